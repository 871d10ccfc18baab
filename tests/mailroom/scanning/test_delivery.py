"""The delivery of a message by its tenant's policy."""

from __future__ import annotations

import base64
import email
import email.policy
import itertools
from datetime import UTC, datetime

import pytest

from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import Deadline, scan_message
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict
from tests.mailroom.clamav import MARKER, SIGNATURE
from tests.mailroom.scanning.hiding import HIDDEN, PAYLOAD, archive, encoded, mixed, part

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DEFAULT = Policy()


def found(*verdicts: Verdict, path: str = "2") -> ScanResult:
    """A result with parts of these verdicts."""
    parts = tuple(
        PartVerdict(path=path, filename="f", verdict=one, signature="S", sha256="0", size=1) for one in verdicts
    )
    return ScanResult(
        verdict=max(verdicts, key=list(Verdict).index, default=Verdict.CLEAN), parts=parts, definitions="d"
    )


def delivered(raw: bytes, engine: Clamd, policy: Policy = DEFAULT) -> Delivery:
    """The delivery of a message."""
    return decide(raw, scan_message(raw, engine), policy, rescan=lambda left: scan_message(left, engine), now=NOW)


def parsed(outcome: Delivery) -> email.message.EmailMessage:
    """The delivered message as a modern client reads it."""
    assert outcome.message is not None
    return email.message_from_bytes(outcome.message, policy=email.policy.default)


def test_infected_attachment_is_replaced_by_a_notice(engine: Clamd) -> None:
    """File name, signature and time stand in its place; the other parts stay as they were."""
    raw = mixed(encoded(PAYLOAD, "rechnung März.exe"), encoded(b"harmless", "plan.pdf"))
    outcome = delivered(raw, engine)
    assert outcome.action is Action.STRIP
    assert [one.path for one in outcome.removed] == ["2"]
    text, notice, other = parsed(outcome).iter_parts()
    assert text.get_content() == "hello"
    assert other.get_content() == b"harmless"
    assert other.get_filename() == "plan.pdf"
    assert notice.get_content_type() == "text/plain"
    said = notice.get_content()
    assert "because it contains malware" in said
    assert f"Found:   {SIGNATURE}" in said
    assert "Removed: 2026-11-23 10:00:00 UTC" in said
    assert parsed(outcome)["Subject"] == "invoice"


def test_only_the_inner_part_goes(engine: Clamd) -> None:
    """Of a forwarded message, the attachment is removed and the message stays."""
    forwarded = mixed(encoded(PAYLOAD), boundary="inner").replace(b"Subject: invoice", b"Subject: forwarded")
    outcome = delivered(mixed(part(forwarded, "Content-Type: message/rfc822")), engine)
    assert outcome.action is Action.STRIP
    assert outcome.message is not None
    assert b"Subject: forwarded" in outcome.message
    assert MARKER not in outcome.message


def test_file_name_cannot_write_the_notice(engine: Clamd) -> None:
    """Line breaks and control characters in a name are shown as question marks."""
    raw = mixed(encoded(PAYLOAD)).replace(
        b'filename="invoice.bin"', b"filename*=utf-8''a%0D%0AFound%3A%20nothing%1B%5B2J.exe"
    )
    notice = list(parsed(delivered(raw, engine)).iter_parts())[1].get_content()
    assert '"a??Found: nothing?[2J.exe"' in notice
    assert notice.count("Found:   ") == 1


@pytest.mark.parametrize("name", ["the whole body", "uuencoded in the text", "preamble", "epilogue", "in HTML"])
def test_what_is_in_no_attachment_is_held(name: str, engine: Clamd) -> None:
    """Where there is no part to remove, or removing would not be enough, the message is held or delivered without any of it."""
    outcome = delivered(HIDDEN[name], engine)
    assert outcome.action in {Action.HOLD, Action.STRIP}
    if outcome.action is Action.HOLD:
        assert outcome.message is None
        assert outcome.reason


@pytest.mark.parametrize("action", [Action.HOLD, Action.DELETE])
def test_infected_mail_by_policy(action: Action, engine: Clamd) -> None:
    """Nothing is delivered of what is to be held or deleted."""
    outcome = delivered(HIDDEN["attachment"], engine, Policy(infected=action))
    assert (outcome.action, outcome.message) == (action, None)


def test_clean_mail_by_policy(engine: Clamd) -> None:
    """A tenant may hold even what is clean."""
    assert delivered(mixed(), engine, Policy(clean=Action.HOLD)).action is Action.HOLD


@pytest.mark.parametrize("verdicts", [some for n in (1, 2, 3) for some in itertools.combinations(Verdict, n)])
@pytest.mark.parametrize(
    "policy", [DEFAULT, Policy(infected=Action.DELETE, encrypted=Action.DELIVER, over_limit=Action.STRIP)]
)
def test_no_policy_delivers_what_must_not_be(verdicts: tuple[Verdict, ...], policy: Policy) -> None:
    """An error is held whatever else holds; infected mail is never delivered as it came."""
    outcome = decide(mixed(), found(*verdicts), policy, rescan=lambda _: found(*verdicts), now=NOW)
    if Verdict.ERROR in verdicts:
        assert outcome.action is Action.HOLD
    if Verdict.INFECTED in verdicts:
        assert outcome.action not in {Action.DELIVER, Action.STRIP}
        assert outcome.message is None
    if set(verdicts) == {Verdict.CLEAN}:
        assert outcome.action is Action.DELIVER


def test_rescan_that_finds_more_holds(engine: Clamd) -> None:
    """What is delivered was scanned as it is: a finding that survives the removal holds the message."""
    raw = HIDDEN["attachment"]
    outcome = decide(raw, scan_message(raw, engine), DEFAULT, rescan=lambda _: found(Verdict.INFECTED), now=NOW)
    assert (outcome.action, outcome.message) == (Action.HOLD, None)
    assert "remains after" in outcome.reason


def test_path_that_is_not_there_holds() -> None:
    """A part that cannot be found again is not removed from somewhere else."""
    outcome = decide(mixed(), found(Verdict.INFECTED, path="7.1"), DEFAULT, rescan=lambda _: found(), now=NOW)
    assert (outcome.action, outcome.reason) == (Action.HOLD, "the finding could not be removed")


@pytest.mark.parametrize("wrong", [{"infected": Action.DELIVER}, {"clean": Action.DELETE}, {"clean": Action.STRIP}])
def test_policies_that_cannot_be(wrong: dict[str, Action]) -> None:
    """A policy that would let malware through, or lose clean mail, is refused."""
    with pytest.raises(ValueError, match="policy: "):
        Policy(**wrong)  # type: ignore[arg-type]  # of actions alone


def test_encrypted_archive_is_held_and_can_be_stripped(engine: Clamd) -> None:
    """What cannot be looked into is not called clean."""
    raw = mixed(encoded(encrypted(archive(b"secret")), "secret.zip"))
    assert scan_message(raw, engine).verdict is Verdict.ENCRYPTED
    assert delivered(raw, engine).action is Action.HOLD
    stripped = delivered(raw, engine, Policy(encrypted=Action.STRIP))
    assert stripped.action is Action.STRIP
    assert "it is encrypted and could not be scanned" in list(parsed(stripped).iter_parts())[1].get_content()
    assert delivered(raw, engine, Policy(encrypted=Action.DELIVER)).message == raw


def encrypted(made: bytes) -> bytes:
    """A ZIP archive whose entry says that it is encrypted, as a password's does."""
    local = made.index(b"PK\x03\x04")
    central = made.index(b"PK\x01\x02")
    changed = bytearray(made)
    changed[local + 6] |= 1
    changed[central + 8] |= 1
    return bytes(changed)


def test_everything_else_stays_as_it_came(engine: Clamd) -> None:
    """What is not removed is delivered to the octet: headers in their folding, other parts, what stands around them."""
    raw = mixed(encoded(PAYLOAD, "a.exe"), encoded(b"harmless", "plan.pdf")).replace(
        b"Subject: invoice\r\n", b"Subject: \t invoice\r\n\tof  May\r\nX-Odd:no space\r\n"
    )
    outcome = delivered(raw + b"behind the last part\r\n", engine)
    assert outcome.message is not None
    before, _, after = raw.partition(b'Content-Type: application/octet-stream; name="a.exe"')
    assert outcome.message.startswith(before + b"Content-Type: text/plain; charset=utf-8\r\n")
    assert outcome.message.endswith(after[after.index(b"\r\n--frontier") :] + b"behind the last part\r\n")


def test_message_within_that_is_a_file_alone(engine: Clamd) -> None:
    """Its subject and author stay, and the notice is its body."""
    lines = base64.encodebytes(PAYLOAD).replace(b"\n", b"\r\n")
    inner = (
        b"From: b@example.net\r\nContent-Type: application/octet-stream;\r\n name=a.exe\r\nSubject: forwarded\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + lines
    )
    outcome = delivered(mixed(part(inner, "Content-Type: message/rfc822")), engine)
    assert (outcome.action, [one.path for one in outcome.removed]) == (Action.STRIP, ["2.1"])
    forwarded = list(parsed(outcome).iter_parts())[1].get_content()
    assert (forwarded["From"], forwarded["Subject"]) == ("b@example.net", "forwarded")
    assert "because it contains malware" in forwarded.get_content()


def test_two_findings_in_two_depths(engine: Clamd) -> None:
    """Each goes by itself, and what lies between them stays."""
    inner = mixed(encoded(PAYLOAD, "inner.exe"), encoded(b"kept", "kept.txt"), boundary="inner")
    raw = mixed(part(inner, "Content-Type: message/rfc822"), encoded(PAYLOAD + b"2", "outer.exe"))
    outcome = delivered(raw, engine)
    assert sorted(one.path for one in outcome.removed) == ["2.2", "3"]
    names = [one.get_filename() for one in parsed(outcome).walk() if one.get_filename()]
    assert names == ["removed-attachment.txt", "kept.txt", "removed-attachment.txt"]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_notice_has_the_line_ends_of_the_message(end: bytes, engine: Clamd) -> None:
    """So that no reader sees a header where another one sees a body."""
    outcome = delivered(HIDDEN["attachment"].replace(b"\r\n", end), engine)
    assert outcome.message is not None
    assert outcome.message.replace(b"\r\n", b"").count(b"\r") == 0
    assert outcome.message.count(b"\n") == outcome.message.count(end)


def test_late_message_is_over_the_limit(engine: Clamd) -> None:
    """What takes longer than a message may is held, with that reason, and no longer looked at."""
    raw = mixed(encoded(b"harmless"), encoded(b"too"))
    times = itertools.count()
    late = Deadline(at=3.0, clock=lambda: float(next(times)))
    result = scan_message(raw, engine, deadline=late)
    assert result.verdict is Verdict.OVER_LIMIT
    assert [part.signature for part in result.found] == ["Limits.Time"]
    assert len(result.parts) < len(scan_message(raw, engine).parts)
    outcome = decide(raw, result, DEFAULT, rescan=lambda _: found(), now=NOW)
    assert (outcome.action, outcome.message) == (Action.HOLD, None)
    assert scan_message(raw, engine, deadline=Deadline.after(60)).verdict is Verdict.CLEAN
