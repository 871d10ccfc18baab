"""A generated space of states, each served by real servers: the verdict is what receivers get, and every remedy leads to ok."""

from __future__ import annotations

import pytest

from email_stack.dnscheck.model import Report, Status, Subject
from tests.dnscheck.customers import check
from tests.dnscheck.states import RECORDS, S, State, all_states, carry_out, publish, receivers_get
from tests.nameservers import Internet

STATES = list(all_states())
STEP = 37
"""Every so many-th is looked at each time: no multiple of a dimension, so each of them takes each of its values."""

ROUNDS = 3
"""Of doing what is said, after which all must be ok: adding a record ends a wildcard, and what that served is added next."""


def reported(internet: Internet) -> Report:
    """The report, nothing cached."""
    [made] = check(internet, Subject(subdomain=S, records=RECORDS))
    return made


def judge(internet: Internet, state: State, seed: int) -> None:
    """Verdict and oracle agree on the record that is varied; doing what is said leads to ok."""
    publish(internet, state)
    made = reported(internet)
    found = next(one for one in made.findings if one.record == state.record)
    assert (found.status is Status.OK) == receivers_get(internet, state.record, seed), found
    assert found.status is not Status.PENDING, "nothing is under way here"
    assert (found.fix == "") == (found.status is Status.OK)
    for _ in range(ROUNDS):
        if made.status is Status.OK:
            break
        state = carry_out(state, made)
        publish(internet, state)
        made = reported(internet)
    assert made.status is Status.OK, [(one.record.name, one.status.value, one.fix) for one in made.findings if one.fix]
    assert receivers_get(internet, state.record, seed)


@pytest.mark.parametrize("state", STATES[::STEP], ids=lambda state: state.name)
def test_verdict_is_what_receivers_get(internet: Internet, state: State) -> None:
    """A sample of all states."""
    judge(internet, state, 1)


@pytest.mark.thorough
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_verdict_is_what_receivers_get(internet: Internet, state: State) -> None:
    """All states."""
    judge(internet, state, 2)
