"""Runs mail through the whole pipeline without AWS: scan, decision, parser, threads. The same code as in the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mailroom.messages import Message, parse
from mailroom.messages.joining import JoinBy, node_of
from mailroom.scanning.authentication import fails_dmarc
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.dmarc_policies import DmarcPolicies
from mailroom.scanning.scan import AnswerCache, scan_message
from mailroom.scanning.verdicts import Policy, ScanResult
from mailroom.threads import Thread, thread_messages

__all__ = ["LocalScanner", "Replay", "Replayed", "Scanned", "replay"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """The findings in a message, and the decision on it."""

    result: ScanResult
    outcome: Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalScanner:
    """The scanner, on this machine.

    Args:
        engine: a running clamd.
        policy: of the tenant.
    """

    engine: Clamd
    policy: Policy
    cache: AnswerCache = field(default_factory=AnswerCache, repr=False)

    def scan(self, raw: bytes) -> Scanned:
        """Scan a message and decide on it. Raises ClamdError."""
        result = scan_message(raw, self.engine, self.cache)
        outcome = decide(
            raw,
            result,
            self.policy,
            rescan=lambda left: scan_message(left, self.engine, self.cache),
            now=datetime.now(UTC),
            unauthenticated=fails_dmarc(raw, DmarcPolicies().of),
        )
        return Scanned(result, outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """One delivery, and its result.

    Args:
        name: of the delivery.
        scanned: findings and decision of the scanner.
        message: the parsed delivered message; None without a delivery.
    """

    name: str
    scanned: Scanned
    message: Message | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """Results of all deliveries.

    Args:
        deliveries: in their order.
        messages: delivered messages by digest: copies of one message are one, as in the store.
        threads: of the messages, by digest; the oldest first.
    """

    deliveries: tuple[Replayed, ...]
    messages: Mapping[str, Message]
    threads: tuple[Thread, ...]


def replay(
    mail: Iterable[tuple[str, bytes]], scanner: LocalScanner, join_by: frozenset[JoinBy] = frozenset()
) -> Replay:
    """Run each message, a name and its bytes, through the pipeline. Raises ClamdError."""
    deliveries = []
    for name, raw in mail:
        scanned = scanner.scan(raw)
        delivered = scanned.outcome.message
        message = parse(delivered) if delivered is not None else None
        deliveries.append(Replayed(name=name, scanned=scanned, message=message))
    messages: dict[str, Message] = {}
    for one in deliveries:
        if one.message is not None:
            messages.setdefault(one.message.digest, one.message)
    threads = thread_messages(node_of(message, digest, join_by) for digest, message in messages.items())
    return Replay(deliveries=tuple(deliveries), messages=messages, threads=tuple(threads))
