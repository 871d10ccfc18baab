"""Snapshots of deployments that nobody has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from email_stack.status.model import CellStatus, Check, Part, QueueCount, Snapshot, State, TenantStatus

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202egnp.exe\x00{{ 7 * 7 }}"
"""What DNS or AWS may say of somebody's choosing."""


def ok(said: str = "") -> Check:
    """Nothing to do."""
    return Check(state=State.OK, said=said)


def tenant(name: str, checks: dict[Part, Check] | None = None, **settings: Any) -> TenantStatus:
    """A healthy tenant of the config, but for what is said otherwise."""
    healthy: dict[Part, Check] = {
        **{part: ok() for part in Part if part is not Part.SETTINGS},
        Part.REPUTATION: ok("1.2 %, 0.02 %"),
        Part.ALERTS: ok("2 of 2"),
        Part.DEFINITIONS: ok("3 h"),
        Part.QUEUES: ok("0"),
        Part.LAST_IN: ok("12 min"),
        Part.LAST_OUT: ok("-"),
        Part.HELD: ok("0"),
    }
    given = {
        "subdomain": f"post.{name}.example",
        "cell": "eu",
        "checks": {**healthy, **(checks or {})},
        "queues": (QueueCount(name="messages structuring", waiting=0, dead=0),),
        "last_in": NOW - timedelta(minutes=12),
        "held": {},
    }
    return TenantStatus(tenant=name, **{**given, **settings})


def cell(name: str, age: timedelta = timedelta(hours=3), state: State = State.OK) -> CellStatus:
    """A cell whose definitions are so old."""
    hours = f"{age // timedelta(hours=1)} h"
    reason = f"virus definitions were not confirmed for {hours}; see the mirror's log" if state is not State.OK else ""
    checks = {
        Part.RULE: ok("active"),
        Part.SENDING: ok("12 of 50,000"),
        Part.DEFINITIONS: Check(state=state, said=hours, reason=reason),
        Part.QUEUES: ok("2"),
    }
    return CellStatus(cell=name, region="eu-central-1", checks=checks, definitions=NOW - age)


def mixed() -> Snapshot:
    """Twelve tenants, of which some have troubles of each kind."""
    pending = Check(state=State.PENDING, reason="SES says PENDING of the DKIM signature")
    spf = Check(
        state=State.WRONG,
        reason="post.initech.example TXT is different: replace it with v=spf1 include:amazonses.com ~all",
    )
    dead = Check(
        state=State.WRONG, said="0, 3 dead", reason="dead letters: messages structuring 3; see the function's log"
    )
    held = Check(state=State.WRONG, said="7", reason="2 messages could not be scanned; see `email-stack rescan`")
    mx = Check(state=State.ABSENT, reason="post.umbrella.example MX is missing: add it")
    unknown = Check(state=State.UNKNOWN, reason="topic arn:aws:sns:eu-central-1:111111111111:x: AccessDenied")
    queues = (
        QueueCount(name="messages structuring", waiting=0, dead=3),
        QueueCount(name="tracking noting", waiting=4, dead=0),
    )
    return Snapshot(
        at=NOW,
        cells=(cell("eu"), cell("us", timedelta(hours=31), State.WRONG)),
        tenants=(
            tenant("acme", held={"encrypted": 4, "over-limit": 1}, last_out=NOW - timedelta(hours=3)),
            tenant("globex", {Part.DKIM: pending}),
            tenant("initech", {Part.SPF: spf}),
            tenant("hooli", {Part.QUEUES: dead}, queues=queues),
            tenant("vandelay", {Part.HELD: held}, held={"error": 2, "encrypted": 5}),
            tenant("umbrella", {Part.INBOUND: mx}),
            tenant("stark", {Part.ALERTS: unknown}),
            TenantStatus(tenant="wonka", subdomain="post.wonka.example", cell="eu", absent="was not deployed yet"),
            *(tenant(name, cell="us") for name in ("tyrell", "cyberdyne", "soylent", "massive")),
        ),
    )
