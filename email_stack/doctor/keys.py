"""Statements that the policy of a customer's KMS key lacks. Pure.

The check applies IAM's rules as far as key policies need them: principals, actions and conditions. A part that it does not
understand counts as missing, so that it reports no insufficient policy as right.

Source: IAM user guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators"; KMS developer guide, "Default
key policy".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from constructs_lib.encryption import Home
from constructs_lib.key_policy import needed_statements
from email_stack.doctor.model import State, Verdict

__all__ = ["judge_key", "missing"]

Statement = Mapping[str, Any]

_BY_THE_ACCOUNT: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
)
"""Actions that the key must delegate to IAM policies: for the stacks' own roles and DynamoDB's grants."""

_ALIKE: Final = {"ArnEquals": "ArnLike", "StringEquals": "StringLike"}
"""Pairs of operators: the second accepts all values that the first accepts, and wildcards."""


def judge_key(
    policy: str | None, home: Home, *, roles: tuple[Sequence[str], Sequence[str]] | None, alarms: bool
) -> Verdict:
    """Whether the key's policy has all needed statements.

    Args:
        policy: from KMS; None if the key does not exist.
        home: partition, region and account of the key.
        roles: roles of the cell's stack without this key as their own: scanners, and writers of tables. None if the cell is
            not deployed yet and may have some.
        alarms: whether a topic for alarms has this key.
    """
    if policy is None:
        return Verdict(
            state=State.WRONG, said="there is no such key in this account and region", remedy="correct `key_arn`"
        )
    scanners, tables = roles or ((), ())
    needed = [
        _by_the_account(home),
        *needed_statements(home, scanner_role_arns=scanners, tables_role_arns=tables, alarms=alarms),
    ]
    try:
        lacking = missing(policy, needed)
    except ValueError:
        return Verdict(state=State.UNKNOWN, said="its policy is none that can be read")
    if lacking:
        what = ", ".join(str(one.get("Sid") or "roles of the cell's stack") for one in lacking)
        return Verdict(
            state=State.WRONG,
            said=f"its policy does not say: {what}",
            remedy=f"add to the key's policy: {json.dumps(lacking)}",
        )
    if roles is None:
        return Verdict(
            state=State.BY_HAND,
            said="its policy lets in all services; which roles of the cell's stack it must name is known once that is deployed",
            remedy="deploy the cell, and run this again before its tenants",
        )
    return Verdict(state=State.OK, said="its policy has all needed statements")


def missing(policy: str, needed: Sequence[Statement]) -> list[Statement]:
    """The needed statements that no single statement of the policy covers.

    A statement that a Deny could concern counts as missing, with any conditions of the Deny.

    Args:
        policy: a policy document.
        needed: statements that allow something.

    Raises:
        ValueError: the policy is no policy document.
    """
    document = json.loads(policy)
    said = document.get("Statement") if isinstance(document, Mapping) else None
    listed = said if isinstance(said, list) else [said]
    found: list[Statement] = [one for one in listed if isinstance(one, Mapping)]
    if len(found) < len(listed):
        raise ValueError("key: its policy must have statements")
    allowing = [one for one in found if one.get("Effect") == "Allow"]
    denying = [one for one in found if one.get("Effect") == "Deny"]
    return [
        one
        for one in needed
        if not any(_covers(have, one) for have in allowing) or any(_may_deny(have, one) for have in denying)
    ]


def _by_the_account(home: Home) -> dict[str, Any]:
    """The needed part of KMS's default statement."""
    return {
        "Sid": "LetAccountDecide",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{home.partition}:iam::{home.account}:root"},
        "Action": list(_BY_THE_ACCOUNT),
        "Resource": "*",
    }


def _covers(have: Statement, needed: Statement) -> bool:
    if "NotPrincipal" in have or "NotAction" in have or "*" not in _texts(have.get("Resource")):
        return False
    granted, wanted = _principals(have), _principals(needed)
    whom = all(("*", "*") in granted or ("AWS", "*") in granted or one in granted for one in wanted)
    what = all(
        any(_like(pattern.lower(), action.lower()) for pattern in _texts(have.get("Action")))
        for action in _texts(needed["Action"])
    )
    return whom and what and _no_narrower(have.get("Condition", {}), needed.get("Condition", {}))


def _may_deny(have: Statement, needed: Statement) -> bool:
    """Whether a Deny may concern the statement. One for all principals counts without conditions only, another one with any."""
    granted = _principals(have)
    all_of_them = "NotPrincipal" in have or granted & {("*", "*"), ("AWS", "*")}
    if not all_of_them and not granted & _principals(needed):
        return False
    if have.get("Condition") and all_of_them:
        return False  # such as calls without TLS, or from another organization: its effect is unknown
    return "NotAction" in have or any(
        _like(pattern.lower(), action.lower()) or _like(action.lower(), pattern.lower())
        for pattern in _texts(have.get("Action"))
        for action in _texts(needed["Action"])
    )


def _no_narrower(have: Any, needed: Mapping[str, Any]) -> bool:
    """Whether each request that meets the needed conditions meets those of the statement."""
    if not isinstance(have, Mapping):
        return False
    wanted = {
        (_ALIKE.get(operator, operator), key.lower()): _texts(values)
        for operator, keys in needed.items()
        for key, values in keys.items()
    }
    for operator, keys in have.items():
        if not isinstance(keys, Mapping):
            return False
        for key, values in keys.items():
            asked = wanted.get((_ALIKE.get(str(operator), str(operator)), str(key).lower()))
            patterns = _texts(values)
            same = (lambda pattern, text: pattern == text) if operator == "StringEquals" else _like
            if not asked or not all(any(same(pattern, text) for pattern in patterns) for text in asked):
                return False
    return True


def _principals(statement: Statement) -> set[tuple[str, str]]:
    """Principals of a statement, with their kinds. An account is its root."""
    said = statement.get("Principal")
    if said == "*":
        return {("*", "*")}
    return {
        (kind, name) for kind, names in (said.items() if isinstance(said, Mapping) else ()) for name in _texts(names)
    }


def _texts(value: Any) -> list[str]:
    """The texts of a value, which is one text or a list."""
    return [one for one in ([value] if isinstance(value, str) else value or ()) if isinstance(one, str)]


def _like(pattern: str, text: str) -> bool:
    """Whether an IAM pattern, with * and ?, matches the text. Takes linear time for each star."""
    at = here = 0
    star, mark = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return set(pattern[at:]) <= {"*"}
