"""An inbox whose scanner recalls: an older engine, a newer one, and the ledger of what was delivered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from mailroom.scanning.clamd import Clamd, Submitted
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.ledger import Ledger
from mailroom.scanning.passes import Passes
from mailroom.scanning.recall import Recalls
from mailroom.scanning.scan import AnswerCache
from mailroom.scanning.tags import Recipient
from tests.mailroom.scanning.conftest import REGION, Quarantine
from tests.mailroom.scanning.failures import Calls
from tests.mailroom.scanning.sessions import OwnSession

OLDER, NEWER = "a" * 16, "b" * 16


@dataclass(frozen=True)
class Judge(OwnSession):
    """An engine with one set of definitions."""

    client: Clamd
    judging: str

    def submit(self, data: bytes) -> Submitted:
        """Hand a file over."""
        return self.client.submit(data)

    def version(self) -> str:
        """As the warm engine says it."""
        return f"{self.client.version()} set {self.judging}"


class Nobody(OwnSession):
    """An engine that must not be asked."""

    def submit(self, data: bytes) -> Submitted:
        """Nobody calls it."""
        raise AssertionError(f"asked to look at {len(data)} bytes")

    def version(self) -> str:
        """Nobody calls it."""
        raise AssertionError("asked for its version")


@dataclass
class Cell:
    """One inbox, its scanner's ledger, and what the scanner works with."""

    quarantine: Quarantine
    definitions: str
    older: Judge
    newer: Judge
    calls: Calls = field(default_factory=Calls)
    seconds: float = 0.0
    counted: list[str] = field(default_factory=list)
    scanner: str = "scanner"

    @property
    def ledger(self) -> Ledger:
        """The scanner's."""
        return Ledger(s3=self.s3, bucket=self.definitions, scanner=self.scanner)

    @property
    def s3(self) -> Any:
        """A client whose calls are counted."""
        return self.calls.of(self.quarantine.s3)

    def intake(self, judge: Judge) -> Intake:
        """Work on what arrives."""
        return replace(self.quarantine.intake, s3=self.s3, engine=judge, ledger=self.ledger)

    @property
    def recalls(self) -> Recalls:
        """Work on what was delivered, with the newer set."""
        return Recalls(
            s3=self.s3,
            sns=self.calls.of(self.quarantine.emulator.client("sns", REGION)),
            engine=self.newer,
            recipient_of=self._recipient,
            clock=lambda: self.quarantine.now,
            cache=AnswerCache(),
            count=lambda name, number: self.counted.extend([name] * number),
        )

    def passes(self, newest: str = NEWER, recalls: Recalls | None = None) -> Passes:
        """The scanner's runs."""
        return Passes(
            ledger=self.ledger,
            recalls=recalls or self.recalls,
            newest=lambda: newest * 4 or None,
            ensure_ready=lambda: None,
            clock=lambda: self.quarantine.now,
            timer=lambda: self.seconds,
        )

    def deliver(self, raw: bytes) -> RawObject:
        """A message that arrives, and in which the older set finds nothing."""
        item = self.quarantine.put(raw)
        assert self.intake(self.older).take(item) is Outcome.DELIVERED
        return item

    def later(self, seconds: int = 60) -> None:
        """Time goes by."""
        self.quarantine.now += timedelta(seconds=seconds)

    def back(self, item: RawObject) -> list[RawObject]:
        """The message's versions in quarantine."""
        return [RawObject(item.bucket, item.key, version) for version in self.quarantine.versions(item)]

    def settle(self, item: RawObject, judge: Judge | None = None) -> list[Outcome]:
        """S3's notification of the message that is back in quarantine."""
        return [self.intake(judge or self.newer).take(one) for one in self.back(item)]

    def _recipient(self, _bucket: str) -> Recipient:
        return Recipient(
            tenant="acme",
            policy=self.quarantine.policy,
            topic_arn=self.quarantine.topic_arn,
            mail=self.quarantine.mail,
        )
