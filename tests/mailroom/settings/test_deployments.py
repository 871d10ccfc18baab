"""Runs follow what is wanted: one at a time, again after a failure but not for ever, and none is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mailroom.settings.claims import Claim, Ownership, Status, given_up, proven, wanting_more
from mailroom.settings.deployments import begun, done, due, failed, removed
from tests.mailroom.settings.conftest import START
from tests.mailroom.settings.test_claims import NONE_HELD, claim_of


def owned() -> Claim:
    """A claim that was just proven."""
    return proven(claim_of("a"), NONE_HELD, START)[0]


def done_now(claim: Claim, revision: int) -> Claim:
    """As a run ends."""
    return done(claim, revision, name_servers=("ns1.example",), records=("r",), now=START)


def test_fifty_edits_are_two_runs_at_most() -> None:
    """The first begins at once, and the one after it has all of the rest."""
    claim, runs = owned(), []
    for edit in range(50):
        if due(claim, START):
            claim = begun(claim, START)
            runs.append(claim.running)
        claim = wanting_more(claim)
        if edit == 25:
            claim = done_now(claim, claim.running)
    while due(claim := done_now(claim, claim.running), START):
        claim = begun(claim, START)
        runs.append(claim.running)
    assert (len(runs), claim.deployed, claim.wanted) == (3, 51, 51)


def test_a_claim_is_never_run() -> None:
    """Nothing before the proof."""
    assert not due(claim_of("a"), START)
    assert due(owned(), START)


def test_a_failed_run_is_tried_three_times_and_then_rests() -> None:
    """Each time later; what is wanted anew is tried anew."""
    claim = owned()
    began = []
    now = START
    for _ in range(100):
        if due(claim, now):
            began.append((now - START) / timedelta(minutes=1))
            claim = failed(begun(claim, now), 1, "SES refused", now)
        now += timedelta(minutes=1)
    assert began == [0, 1, 11]
    assert (claim.status, claim.failure, claim.deployed) == (Status.FAILED, "SES refused", 0)
    assert due(wanting_more(claim), now)


def test_a_run_that_nobody_hears_of_is_begun_anew() -> None:
    """After an hour, and not before."""
    claim = begun(owned(), START)
    assert not due(claim, START + timedelta(minutes=59))
    assert due(claim, START + timedelta(hours=1))


def test_what_comes_late_changes_nothing() -> None:
    """Neither the end of an older run, nor its failure."""
    claim = done_now(begun(wanting_more(owned()), START), 2)
    assert done_now(claim, 1) == claim
    assert failed(claim, 1, "late", START) == claim
    running = begun(wanting_more(claim), START)
    assert failed(running, 2, "late", START) == running


def test_records_that_changed_are_looked_at_anew() -> None:
    """The same ones are as right as they were."""
    claim = replace(done_now(begun(owned(), START), 1), found=("f",), ready=True, checked_at=START)
    assert (done_now(claim, 1).ready, done_now(claim, 1).checked_at) == (True, START)
    other = done(claim, 2, name_servers=(), records=("other",), now=START)
    assert (other.ready, other.found, other.checked_at) == (False, (), None)


def test_what_is_deleted_while_it_is_deployed_is_removed_afterwards() -> None:
    """The name is its owner's until nothing of it is there: also after a first run that failed, and left something behind."""
    claim, held = proven(claim_of("a"), NONE_HELD, START)
    for state in (begun(claim, START), failed(begun(claim, START), 1, "x", START), done_now(begun(claim, START), 1)):
        leaving, same = given_up(state, held, START)
        assert leaving is not None
        assert (leaving.ownership, same) == (Ownership.LEAVING, held)
        assert due(replace(leaving, running=0, run_at=None), START)
        gone, released = removed(leaving, held, START)
        assert gone is None
        assert released.names[claim.domain].rests_until is not None
    assert given_up(claim, held, START)[0] is None
    assert removed(claim, held, START) == (claim, held)
