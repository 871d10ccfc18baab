"""The state that decides, and reasons that are reported once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from email_stack.status.model import Check, Part, Snapshot, State, TenantStatus, reasons, summary, worst
from tests.status.samples import NOW, cell, mixed, tenant

DEAD = Check(state=State.WRONG, said="0, 3 dead", reason="dead letters")


@pytest.mark.parametrize(
    ("milder", "worse"), list(pairwise([State.OK, State.PENDING, State.ABSENT, State.UNKNOWN, State.WRONG]))
)
def test_order(milder: State, worse: State) -> None:
    """What is known to be wrong comes before what could not be asked."""
    assert (worst([milder, worse]), worst([worse, milder]), worst([])) == (worse, worse, State.OK)


def test_tenant_is_as_its_worst_part() -> None:
    """What is missing of one that was deployed is wrong; one that was not is absent."""
    assert tenant("a").state is State.OK
    assert tenant("a", {Part.SPF: Check(state=State.ABSENT)}).state is State.WRONG
    assert tenant("a", {Part.DKIM: Check(state=State.PENDING)}).state is State.PENDING
    assert TenantStatus(tenant="a", subdomain="a.example", cell="eu", absent="not yet").state is State.ABSENT


def test_whole() -> None:
    """Cells count as well."""
    assert mixed().state is State.WRONG
    assert Snapshot(at=NOW, cells=(cell("eu"),), tenants=(tenant("a"),)).state is State.OK
    assert Snapshot(at=NOW, cells=(cell("eu", state=State.WRONG),), tenants=(tenant("a"),)).state is State.WRONG
    assert summary(mixed()) == "12 tenants: 4 wrong, 1 unknown, 1 not deployed, 1 pending, 5 ok"
    assert summary(Snapshot(at=NOW, cells=(), tenants=())) == "no tenants"


def test_reasons_are_told_once() -> None:
    """What several have in common, together; what refuses several parts of one, without naming them; the worst first."""
    refused = Check(state=State.UNKNOWN, reason="AccessDenied")
    some = (
        tenant("a", {Part.QUEUES: DEAD}),
        tenant("b", {Part.QUEUES: DEAD}),
        tenant("c", {Part.SPF: refused, Part.DMARC: refused}),
    )
    found = reasons(Snapshot(at=NOW, cells=(), tenants=tuple(reversed(some))))
    assert [(one.of, one.part, one.state, one.text) for one in found] == [
        (("b", "a"), Part.QUEUES, State.WRONG, "dead letters"),
        (("c",), None, State.UNKNOWN, "AccessDenied"),
    ]
    assert reasons(Snapshot(at=NOW, cells=(cell("eu"),), tenants=(tenant("a"),))) == ()


@pytest.mark.parametrize(
    ("check", "shown"),
    [
        (Check(state=State.OK), "ok"),
        (Check(state=State.OK, said="2 of 2"), "2 of 2"),
        (Check(state=State.ABSENT), "missing"),
        (Check(state=State.WRONG, said="31 h"), "31 h, wrong"),
        (Check(state=State.UNKNOWN), "unknown"),
    ],
)
def test_words_of_a_check(check: Check, shown: str) -> None:
    """Tell the state wherever it is not ok."""
    assert check.shown == shown
