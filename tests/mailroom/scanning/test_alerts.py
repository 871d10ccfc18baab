"""One message makes a few alerts, whatever its sender puts in it, and nothing that was found is untold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.scanning.alerts import Alert, alerts_of, findings_of
from mailroom.scanning.delivery import Delivery
from mailroom.scanning.events import RawObject
from mailroom.scanning.intake import Outcome
from mailroom.scanning.records import VerdictRecord
from mailroom.scanning.verdicts import Action, PartVerdict, Policy, ScanResult, Verdict, worst
from tests.linear.measure import BOUND, growth
from tests.mailroom.clamav import MARKER, SIGNATURE
from tests.mailroom.scanning.conftest import Quarantine
from tests.mailroom.scanning.hiding import mixed, part

MOST_BYTES = 256 * 1024
"""SNS quotas: of one message."""
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ITEM = RawObject("b", "raw/m", "v")


def found(name: str, verdict: Verdict = Verdict.INFECTED, signature: str = SIGNATURE) -> PartVerdict:
    """Something that was found in a file of this name."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return PartVerdict(path="2", filename=name, verdict=verdict, signature=signature, sha256=digest, size=1)


def result_of(*parts: PartVerdict) -> ScanResult:
    """A scan's result with these findings."""
    return ScanResult(verdict=worst([one.verdict for one in parts]), parts=parts, definitions="d")


def alerts(*parts: PartVerdict) -> list[Alert]:
    """Alerts to operators of these."""
    delivery = Delivery(action=Action.HOLD)
    return list(alerts_of(ITEM, tenant="acme", raw=b"", result=result_of(*parts), delivery=delivery, now=NOW))


def facts(alert: Alert) -> dict[str, Any]:
    """The alert as machines get it."""
    document: dict[str, Any] = json.loads(json.loads(alert.message)["default"])
    return document


def recorded(result: ScanResult) -> dict[str, Any]:
    """The verdict's record as it is written."""
    record = VerdictRecord(
        tenant="acme",
        message_id="m",
        raw_version="v",
        rescan="",
        time=NOW,
        action=Action.HOLD,
        reason="",
        result=result,
        findings=findings_of(result),
    )
    assert VerdictRecord.from_document(record.document).findings == record.findings
    return record.document


@pytest.mark.parametrize("count", [1, 9, 10, 11, 100, 1000, 2000])
def test_many_findings_are_a_few_alerts(count: int) -> None:
    """Ten at most; the last one counts the rest, so that all of them together tell of everything."""
    told = alerts(*(found(f"{number}.exe") for number in range(count)))
    assert len(told) == min(count, 10)
    more = [facts(alert).get("more", 0) for alert in told]
    assert len(told) + sum(more) == count
    assert not any(more[:-1])
    if count == 1000:
        assert "and 990 more" in told[-1].subject
        assert "and 990 more" in json.loads(told[-1].message)["email"]


def test_the_worst_is_told() -> None:
    """Malware behind a thousand locked archives is among the ten."""
    locked = [found(f"{number}.zip", Verdict.ENCRYPTED, "Heuristics.Encrypted.Zip") for number in range(1000)]
    told = alerts(*locked, found("a.exe"))
    assert facts(told[0])["verdict"] == "infected"
    parts = recorded(result_of(*locked, found("a.exe")))["parts"]
    assert "a.exe" in {one["filename"] for one in parts}


@pytest.mark.parametrize("letter", ["a", "\x00", "é", "😀", '"', "\ud800", "\\"])
def test_file_name_of_300_kb(letter: str) -> None:
    """Cut in the alert and in the record, and both say so; each message is one that SNS takes."""
    whole = found(letter * (300_000 // len(letter.encode("utf-8", "surrogatepass"))))
    (told,) = alerts(whole)
    assert len(told.message.encode()) < MOST_BYTES
    assert facts(told)["filename"] == whole.filename[:1000]
    assert facts(told)["filename_cut"] is True
    (listed,) = recorded(result_of(whole))["parts"]
    assert (listed["filename"], listed["filename_cut"]) == (whole.filename[:1000], True)


def test_name_that_is_not_cut() -> None:
    """Is told and recorded as it is, and nothing says that it was cut."""
    whole = found("n" * 1000)
    (told,) = alerts(whole)
    assert facts(told)["filename"] == whole.filename
    assert "filename_cut" not in facts(told)
    assert "filename_cut" not in recorded(result_of(whole))["parts"][0]


@given(
    st.lists(
        st.builds(found, st.text(max_size=30), st.sampled_from([one for one in Verdict if one is not Verdict.CLEAN])),
        max_size=30,
    )
)
def test_anything_found(parts: list[PartVerdict]) -> None:
    """At most ten alerts, which count everything, each of a size and subject that SNS takes."""
    told = alerts(*parts)
    assert len(told) <= 10
    assert len(told) + sum(facts(alert).get("more", 0) for alert in told) == findings_of(result_of(*parts))
    assert all(len(alert.message.encode()) < MOST_BYTES and len(alert.subject) < 100 for alert in told)


def test_record_of_many_parts() -> None:
    """Is of a size that can be read: what was found before what was not, and the rest is counted."""
    clean = [found(f"{number}.txt", Verdict.CLEAN, "") for number in range(1900)]
    result = result_of(*clean, *(found(f"{number}.exe") for number in range(100)))
    document = recorded(result)
    assert len(document["parts"]) + document["parts_not_listed"] == 2000
    assert sum(one["verdict"] == "infected" for one in document["parts"]) == 100
    assert len(json.dumps(document)) < 200_000
    assert len(json.dumps(recorded(result_of(*(found("😀" * 2000 + str(n)) for n in range(2000)))))) < 5_000_000


def test_thousand_infected_attachments(quarantine: Quarantine) -> None:
    """100 kB of mail: ten alerts, also when the worker broke off before it knew that they were told."""
    quarantine.policy = Policy(infected=Action.HOLD)
    parts = (part(MARKER + b" %d" % n, f'Content-Disposition: attachment; filename="{n}.exe"') for n in range(1000))
    item = quarantine.put(mixed(*parts))
    counts: list[tuple[str, int]] = []
    intake = replace(quarantine.intake, count=lambda name, number: counts.append((name, number)))
    assert intake.take(item) is Outcome.HELD
    told = [json.loads(alert["Message"]) for alert in quarantine.alerts()]
    assert [one.get("more") for one in told] == [None] * 9 + [990]
    assert counts == [("Detections", 1000)]
    assert quarantine.record(item)["findings"] == 1000
    # As if it had not come so far.
    document = {**quarantine.record(item), "told": False}
    quarantine.s3.put_object(
        Bucket=item.bucket, Key=f"verdicts/{item.message_id}/{item.version}.json", Body=json.dumps(document)
    )
    assert quarantine.later(11).intake.take(item) is Outcome.HELD
    again = [json.loads(alert["Message"]) for alert in quarantine.alerts()]
    assert [one.get("more") for one in again] == [None] * 9 + [990]


@pytest.mark.parametrize(
    ("raw", "sender", "recipient"),
    [
        (
            b"Return-Path: <a@x.example>\r\nReceived: from x\r\n by inbound-smtp.eu-central-1.amazonaws.com\r\n"
            b" for b@y.example;\r\n Mon, 2 Nov 2026\r\nFrom: c@z.example\r\n\r\nFor f@g.example\r\n",
            "a@x.example",
            "b@y.example",
        ),
        (b"Return-Path: <a@x.example>\nReceived: x for <b@y.example>; x\n\nx", "a@x.example", "b@y.example"),
        (b"Return-Path : <>\r\nReceived: x\r\nReceived: y for z@z.example\r\n\r\n", "", ""),
        (b"Return-Path: <a\x1b[31m@x.example>\r\n\r\n", "a?[31m@x.example", ""),
        (b"one line of junk\r\nReturn-Path: <a@x.example>\r\n", "a@x.example", ""),
        (b"no header\r\n\r\nReturn-Path: <a@x.example>\r\n", "", ""),
        (b"", "", ""),
    ],
    ids=["folded", "LF", "a second Received field", "escapes", "junk before", "no header", "nothing"],
)
def test_envelope_that_operators_are_told(raw: bytes, sender: str, recipient: str) -> None:
    """Is what stands first in front of the message, as the parser of messages reads fields."""
    (alert,) = alerts_of(
        ITEM, tenant="acme", raw=raw, result=result_of(found("x")), delivery=Delivery(action=Action.HOLD), now=NOW
    )
    assert facts(alert)["envelope"] == {"from": sender, "to": recipient}


@pytest.mark.parametrize("unit", [b'; a="', b"\r\n ", b'\\"', b"(", b"for ", b"for <a", b"=?a?q?", b"a:b\r\n", b"\r"])
@pytest.mark.parametrize("field", [b"Return-Path: ", b"Received: ", b"Content-Type: ", b""])
def test_envelope_takes_linear_time(field: bytes, unit: bytes) -> None:
    """Of a header that is full of anything."""

    def read(size: int) -> Callable[[], object]:
        raw = field + unit * (size // len(unit)) + b"\r\n\r\nx"
        told = {"tenant": "acme", "result": result_of(found("x")), "delivery": Delivery(action=Action.HOLD), "now": NOW}
        return lambda: list(alerts_of(ITEM, raw=raw, **told))  # type: ignore[arg-type]  # as it takes them

    assert growth(read, 4_000, largest=64_000) <= BOUND
