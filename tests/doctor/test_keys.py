"""Verdicts of doctor on the policy of a customer's KMS key: it names missing statements, and overlooks none."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.encryption import Home
from constructs_lib.key_policy import needed_statements
from email_stack.doctor.keys import judge_key, missing
from email_stack.doctor.model import State

ACCOUNT = "123456789012"
HOME = Home(partition="aws", region="eu-central-1", account=ACCOUNT)
SCANNER, TRACKING, BOOKS = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("SCANNER", "TRACKING", "BOOKS"))
DEFAULT = {
    "Sid": "Enable IAM User Permissions",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
NEEDED = needed_statements(HOME, scanner_role_arns=[SCANNER], tables_role_arns=[TRACKING, BOOKS], alarms=True)


def policy(*statements: Any) -> str:
    """A key's policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_policy_that_says_it_all() -> None:
    """As docs/constructs.md shows it, after KMS's own statement."""
    verdict = judge_key(policy(DEFAULT, *NEEDED), HOME, roles=([SCANNER], [TRACKING, BOOKS]), alarms=True)
    assert (verdict.state, verdict.said) == (State.OK, "its policy has all needed statements")


@pytest.mark.parametrize("number", range(len(NEEDED)))
def test_each_missing_statement_is_named(number: int) -> None:
    """With what to add, which makes it right."""
    there = [one for at, one in enumerate(NEEDED) if at != number]
    assert missing(policy(DEFAULT, *there), NEEDED) == [NEEDED[number]]
    verdict = judge_key(policy(DEFAULT, *there), HOME, roles=([SCANNER], [TRACKING, BOOKS]), alarms=True)
    assert verdict.state is State.WRONG
    assert (NEEDED[number].get("Sid") or "roles of the cell's stack") in verdict.said
    assert json.loads(verdict.remedy.partition(": ")[2]) == [NEEDED[number]]


def test_policy_that_leaves_the_account_out() -> None:
    """Then no policy of a role that is made here counts."""
    verdict = judge_key(policy(*NEEDED), HOME, roles=((), ()), alarms=True)
    assert "LetAccountDecide" in verdict.said
    few = {**DEFAULT, "Action": ["kms:Decrypt", "kms:Describe*"]}
    assert "LetAccountDecide" in judge_key(policy(few, *NEEDED), HOME, roles=((), ()), alarms=True).said


def changed(path: tuple[Any, ...], value: Any) -> list[Any]:
    """The statements, the first of which is another."""
    found = copy.deepcopy(NEEDED)
    one: Any = found[0]
    for name in path[:-1]:
        one = one[name]
    one[path[-1]] = value
    return found


CONDITION = ("Condition", "StringEquals", "aws:SourceAccount")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Principal",), {"Service": ["sns.amazonaws.com", "ses.amazonaws.com"]}),
        (("Principal",), "*"),
        (("Principal",), {"AWS": "*", "Service": "ses.amazonaws.com"}),
        (("Action",), "kms:*"),
        (("Action",), ["kms:GenerateDataKey*", "KMS:Decrypt", "kms:Encrypt"]),
        (CONDITION, ["999999999999", ACCOUNT]),
        (("Condition", "StringEquals"), {"AWS:sourceaccount": ACCOUNT}),
        (("Condition",), {"StringLike": {"aws:SourceAccount": "1234*"}}),
        (("Condition",), {}),
        (("Sid",), "Another name"),
    ],
)
def test_other_words_for_the_same_or_more(path: tuple[Any, ...], value: Any) -> None:
    """What lets in more lets in this."""
    assert missing(policy(DEFAULT, *changed(path, value)), NEEDED) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Effect",), "Deny"),
        (("Principal",), {"Service": "sns.amazonaws.com"}),
        (("Principal",), {"AWS": "ses.amazonaws.com"}),
        (("Principal",), None),
        (("Action",), "kms:Decrypt"),
        (("Action",), ["kms:Decrypt", "kms:GenerateDataKey"]),
        (("Action",), "kms:decrypt?"),
        (CONDITION, "999999999999"),
        (CONDITION, "1234*"),
        (("Condition",), {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:PrincipalOrgID": "o-1"}}),
        (("Condition",), {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}),
        (("Condition",), {"ArnLike": {"aws:SourceArn": "arn:aws:ses:*"}}),
        (("Condition",), "x"),
        (("Resource",), "arn:aws:kms:eu-central-1:123456789012:key/another"),
    ],
)
def test_what_lets_in_less_is_missing(path: tuple[Any, ...], value: Any) -> None:
    """Nothing is called there that may not be."""
    assert missing(policy(DEFAULT, *changed(path, value)), NEEDED) == [NEEDED[0]]


def test_denials() -> None:
    """One of the service's own; one of all that have no TLS says nothing of it."""
    denied = {"Effect": "Deny", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}
    assert missing(policy(DEFAULT, *NEEDED, denied), NEEDED) == [NEEDED[0]]
    everybody = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt*", "Resource": "*"}
    assert len(missing(policy(DEFAULT, *NEEDED, everybody), NEEDED)) == len(NEEDED)
    without_tls = {**everybody, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    deleting = {**everybody, "Action": ["kms:ScheduleKeyDeletion", "kms:Put*"]}
    assert missing(policy(DEFAULT, *NEEDED, without_tls, deleting), NEEDED) == []


def test_roles_that_are_not_there_yet() -> None:
    """A tenant's own key before its cell: the services are judged, and the rest is said."""
    services = needed_statements(HOME)
    assert judge_key(policy(DEFAULT, *services), HOME, roles=None, alarms=False).state is State.BY_HAND
    assert judge_key(policy(DEFAULT), HOME, roles=None, alarms=False).state is State.WRONG


def test_key_that_is_not_there() -> None:
    """Or whose policy nobody can read."""
    assert judge_key(None, HOME, roles=((), ()), alarms=False).state is State.WRONG
    for text in ("", "[]", "{}", '{"Statement": "x"}', "[" * 10):
        assert judge_key(text, HOME, roles=((), ()), alarms=False).state is State.UNKNOWN


VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["*", "Allow", "Deny", "kms:*", "ses.amazonaws.com", ACCOUNT]),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Effect", "Principal", "Service", "AWS", "Action", "Resource", "Condition", "StringEquals"]
            ),
            one,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=3))
def test_any_policy_is_judged(statements: list[Any]) -> None:
    """Whatever it holds, there is a verdict; and more statements that allow never make one missing."""
    verdict = judge_key(policy(*statements), HOME, roles=((), ()), alarms=False)
    assert verdict.state in {State.WRONG, State.OK, State.UNKNOWN}
