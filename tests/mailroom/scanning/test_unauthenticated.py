"""Mail that fails the DMARC policy of its author's domain is delivered, flagged or held; DNS servers of our own say the policy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import jsonschema
import pytest

from mailroom.events import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.events.form import schema_of
from mailroom.messages.dmarc import DmarcPolicy, TextsError
from mailroom.scanning.active.risks import Reaction, Risk
from mailroom.scanning.dmarc_policies import DmarcPolicies, texts_of
from mailroom.scanning.intake import Intake, Outcome
from mailroom.scanning.verdicts import Policy
from tests.mailroom.messages.test_authentication import PASS, ses
from tests.mailroom.scanning.conftest import Quarantine
from tests.nameservers.lax import LaxServer

ZONE = """
_dmarc.bank IN TXT "v=DMARC1; p=reject"
_dmarc.shop IN TXT "v=DMARC1; " "p=quarantine"
_dmarc.list IN TXT "v=DMARC1; p=none"
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a name server that has the policies."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    with LaxServer("127.0.0.1", free, "example", ZONE, ("ns.example",)):
        yield free


def policies(port: int) -> DmarcPolicies:
    """Policies that ask that server."""
    return DmarcPolicies(partial(texts_of, servers=["127.0.0.1"], port=port, lifetime=1.0))


def intake(quarantine: Quarantine, port: int, reaction: Reaction = Reaction.FLAG) -> Intake:
    """The scanner's work, with that policy."""
    quarantine.policy = Policy(unauthenticated=reaction)
    return replace(quarantine.intake, dmarc_policy_of=policies(port).of)


def failed(domain: str) -> bytes:
    """A message that fails DMARC, by an author of that domain."""
    return ses(f"dmarc=fail header.from={domain};", author=f"a@{domain}")


@pytest.mark.parametrize("domain", ["bank.example", "shop.example", "news.shop.example"])
def test_failing_mail_is_flagged(domain: str, quarantine: Quarantine, port: int) -> None:
    """By default, it is delivered as it came, with a word for whoever reads it."""
    raw = failed(domain)
    item = quarantine.put(raw)
    assert intake(quarantine, port).take(item) is Outcome.DELIVERED
    assert quarantine.clean(item) == raw
    answer = quarantine.s3.head_object(Bucket=quarantine.bucket, Key=f"clean/{item.message_id}")
    assert answer["Metadata"]["risks"] == "unauthenticated-sender"
    assert quarantine.record(item)["risks"] == ["unauthenticated-sender"]


@pytest.mark.parametrize(
    "raw", [failed("list.example"), failed("none.example"), ses(PASS), b"From: a@bank.example\r\n\r\nhello\r\n"]
)
def test_other_mail_is_not(raw: bytes, quarantine: Quarantine, port: int) -> None:
    """Where nothing is asked for, where it passes, and where SES says nothing."""
    item = quarantine.put(raw)
    assert intake(quarantine, port, Reaction.HOLD).take(item) is Outcome.DELIVERED
    assert "risks" not in quarantine.record(item)


def test_failing_mail_is_held(quarantine: Quarantine, port: int) -> None:
    """Where the tenant says so; others are told why, and an operator can let it go."""
    heard: list[MessageDiscarded | MessageHeld | MessageReleased] = []
    item = quarantine.put(failed("bank.example"))
    assert replace(intake(quarantine, port, Reaction.HOLD), publish=heard.append).take(item) is Outcome.HELD
    assert quarantine.keys("clean/") == []
    (event,) = heard
    jsonschema.validate(event.detail, schema_of(MessageHeld))
    assert event.detail["reason"] == "it fails the DMARC policy of its author's domain"
    assert event.detail["risks"] == [Risk.UNAUTHENTICATED_SENDER.value]


def test_deliver_says_nothing_and_asks_nobody(quarantine: Quarantine) -> None:
    """The tenant does not want to know."""
    quarantine.policy = Policy(unauthenticated=Reaction.DELIVER)

    def asked(domain: str) -> DmarcPolicy:
        raise AssertionError(domain)

    item = quarantine.put(failed("bank.example"))
    assert replace(quarantine.intake, dmarc_policy_of=asked).take(item) is Outcome.DELIVERED
    assert "risks" not in quarantine.record(item)


def test_mail_that_is_sent_is_not_judged(quarantine: Quarantine, port: int) -> None:
    """Lines that an application writes are no lines of SES's."""
    item = quarantine.put(failed("bank.example"), "raw/out/one-that-looks-received")
    assert intake(quarantine, port, Reaction.HOLD).take(item) is Outcome.DELIVERED


def test_silent_dns_counts_as_failed(quarantine: Quarantine) -> None:
    """Nobody answers: the mail is held, and the next message asks again."""
    asked: list[str] = []

    def silent(name: str) -> list[str]:
        asked.append(name)
        raise TextsError(name)

    silently = DmarcPolicies(silent)
    quarantine.policy = Policy(unauthenticated=Reaction.HOLD)
    for _ in range(2):
        item = quarantine.put(failed("bank.example"))
        assert replace(quarantine.intake, dmarc_policy_of=silently.of).take(item) is Outcome.HELD
    assert asked == ["_dmarc.bank.example"] * 2


def test_each_domain_is_asked_for_once_an_hour() -> None:
    """An answer is kept, for so long; and asking ends where it takes too long."""
    asked: list[str] = []
    now = [0.0]

    def texts(name: str) -> list[str]:
        asked.append(name)
        return ["v=DMARC1; p=reject"]

    kept = DmarcPolicies(texts, clock=lambda: now[0])
    assert {kept.of("bank.example") for _ in range(3)} == {DmarcPolicy.REJECT}
    assert len(asked) == 1
    now[0] = 4000.0
    assert kept.of("bank.example") is DmarcPolicy.REJECT
    assert len(asked) == 2

    def slow(name: str) -> list[str]:
        asked.append(name)
        now[0] += 10.0
        return []

    assert DmarcPolicies(slow, clock=lambda: now[0]).of("a.b.c.d.example") is DmarcPolicy.UNKNOWN


def test_port_that_nobody_listens_at() -> None:
    """The resolver's failure is one error."""
    with pytest.raises(TextsError, match=r"_dmarc\.bank\.example"):
        texts_of("_dmarc.bank.example", servers=["127.0.0.1"], port=9, lifetime=0.2)


def test_policy_cannot_strip() -> None:
    """There is nothing to strip of a message that is forged."""
    with pytest.raises(ValueError, match="unauthenticated must be deliver, flag or hold"):
        Policy(unauthenticated=Reaction.STRIP)
