"""Verdicts on facts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dnscheck.model import Finding, Report, SesState, Status
from email_stack.operations.quarantine import WAITING, QuarantinedMessage
from email_stack.status import judge
from email_stack.status.model import Part, QueueCount, State
from mailroom.scanning.events import RawObject
from tests.config.configs import config_of, with_tenant
from tests.status.samples import NOW

DAY = timedelta(days=1)


def finding(purpose: Purpose, status: Status, *, required: bool = True) -> Finding:
    """Of a record of that purpose."""
    record = DnsRecord(name="post.acme.example", type="TXT", values=("x",), purpose=purpose, required=required)
    return Finding(record=record, status=status, fix="" if status is Status.OK else "mend it")


def dns(*findings: Finding, ses: SesState | None = None) -> dict[Part, tuple[State, str]]:
    """The check of each part."""
    found = judge.dns(Report(subdomain="post.acme.example", findings=findings, ses=ses))
    return {part: (check.state, check.reason) for part, check in found.items()}


def test_dns_by_purpose() -> None:
    """The worst of its records; what is optional does not count."""
    found = dns(
        finding(Purpose.DKIM, Status.OK),
        finding(Purpose.DKIM, Status.PENDING),
        finding(Purpose.SPF, Status.DUPLICATE_SPF),
        finding(Purpose.INBOUND, Status.MISSING),
        finding(Purpose.DMARC, Status.OK),
        finding(Purpose.DELEGATION, Status.DELEGATION_MISSING),
        finding(Purpose.TLS_REPORTS, Status.WRONG, required=False),
        finding(Purpose.DMARC_REPORTS, Status.WRONG),
    )
    assert {part: state for part, (state, _) in found.items()} == {
        Part.DKIM: State.PENDING,
        Part.SPF: State.WRONG,
        Part.INBOUND: State.ABSENT,
        Part.DMARC: State.OK,
        Part.DELEGATION: State.ABSENT,
    }
    assert found[Part.SPF][1] == "post.acme.example TXT is duplicate-spf: mend it"
    assert found[Part.DMARC][1] == ""


@pytest.mark.parametrize(
    ("ses", "dkim", "mail_from"),
    [
        (SesState(identity="SUCCESS", dkim="SUCCESS", mail_from="SUCCESS"), State.OK, State.OK),
        (SesState(identity="SUCCESS", dkim="PENDING", mail_from="SUCCESS"), State.PENDING, State.OK),
        (SesState(identity="FAILED", dkim="SUCCESS", mail_from="TEMPORARY_FAILURE"), State.WRONG, State.PENDING),
        (None, State.OK, State.OK),
    ],
)
def test_what_ses_says(ses: SesState | None, dkim: State, mail_from: State) -> None:
    """Counts beside what DNS serves."""
    found = dns(finding(Purpose.DKIM, Status.OK), finding(Purpose.MAIL_FROM, Status.OK), ses=ses)
    assert (found[Part.DKIM][0], found[Part.MAIL_FROM][0]) == (dkim, mail_from)


@pytest.mark.parametrize("status", Status)
def test_every_verdict_of_a_record_is_a_state(status: Status) -> None:
    """None raises, none is ok that is not."""
    state = dns(finding(Purpose.SPF, status))[Part.SPF][0]
    assert (state is State.OK) == (status is Status.OK)


@pytest.mark.parametrize(
    ("settings", "rules", "active", "state", "reason"),
    [
        ("", {"acme-0": True}, "email-cell-eu", State.OK, ""),
        ("", {"acme-0": True}, "other", State.WRONG, 'is not active in eu-central-1, "other" is'),
        ("", {}, None, State.WRONG, "none is: no mail arrives"),
        ("", {}, "email-cell-eu", State.ABSENT, "is not in the active rule set; run `email-stack deploy acme --yes`"),
        ("", {"acme-0": False}, "email-cell-eu", State.WRONG, "is disabled, and the config says live: true"),
        ("live: false", {"acme-0": False}, "email-cell-eu", State.OK, ""),
        ("live: false", {"acme-0": True}, "email-cell-eu", State.WRONG, "is enabled, and the config says live: false"),
        ("role_addresses: []", {}, "email-cell-eu", State.OK, ""),
    ],
)
def test_receipt_rule(
    tmp_path: Path, settings: str, rules: dict[str, bool], *, active: str | None, state: State, reason: str
) -> None:
    """As the config wants it, in the rule set that SES uses."""
    config = config_of(tmp_path, with_tenant(settings))
    check = judge.rule(config.tenant("acme"), config.cell("eu"), rules, active)
    assert check.state is state
    assert (reason in check.reason) if reason else check.reason == ""


def test_alerts() -> None:
    """Confirmed, not yet, never: the worst counts, and each is named."""
    both = ("a@x.example", "b@x.example")
    assert judge.alerts((), (), ()).shown == "none"
    assert judge.alerts(both, both, ()).shown == "2 of 2"
    waiting = judge.alerts(both, both[:1], both[1:])
    assert (waiting.state, waiting.said) == (State.PENDING, "1 of 2")
    assert "b@x.example has not confirmed" in waiting.reason
    gone = judge.alerts(both, (), both[1:])
    assert (gone.state, gone.said) == (State.WRONG, "0 of 2")
    assert "a@x.example is not subscribed" in gone.reason


@pytest.mark.parametrize(
    ("age", "state"), [(timedelta(), State.OK), (DAY, State.OK), (DAY + timedelta(seconds=1), State.WRONG)]
)
def test_definitions(age: timedelta, state: State) -> None:
    """As old as the alarm allows, and not a second older."""
    assert judge.definitions(NOW - age, NOW).state is state


def test_no_definitions() -> None:
    """Nothing is scanned without."""
    assert judge.definitions(None, NOW).state is State.ABSENT


def test_queues() -> None:
    """Waiting is fine, dead letters are not."""
    one = QueueCount(name="messages structuring", waiting=3, dead=0)
    assert judge.queues([one, one]).shown == "6"
    dead = judge.queues([one, QueueCount(name="tracking noting", waiting=0, dead=2)])
    assert (dead.state, dead.said) == (State.WRONG, "3, 2 dead")
    assert dead.reason.startswith("dead letters: tracking noting 2;")


def held(verdict: str, minutes: int = 0) -> QuarantinedMessage:
    """A message in quarantine."""
    item = RawObject(bucket="b", key="raw/x", version="1")
    return QuarantinedMessage(item=item, arrived=NOW - timedelta(minutes=minutes), size=1, verdict=verdict)


def test_held() -> None:
    """By policy is fine; what could not be scanned, or was forgotten, is not."""
    assert judge.held([held("encrypted", 9999), held("infected"), held(WAITING, 15)], NOW).shown == "3"
    wrong = judge.held([held("error"), held(WAITING, 16), held(WAITING, 17)], NOW)
    assert wrong.state is State.WRONG
    assert "1 message could not be scanned and 2 messages waited for more than 15 minutes" in wrong.reason


@given(st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=4000)))
def test_ages(age: timedelta) -> None:
    """A number of a unit, never negative, at most 119 of minutes and 47 of hours."""
    number, unit = judge.shown_age(age).split()
    assert 0 <= int(number) <= {"min": 119, "h": 47, "d": 4000}[unit]
