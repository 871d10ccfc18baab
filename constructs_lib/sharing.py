"""A tenant's policy statements for functions shared between tenants. Pure: no CDK.

Such a function has no right to any table. It assumes a role with a session tag, and each tenant's table admits one role and tag. So
the tenant's own stack defines the rights of the function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailroom.address_books.tag import TAG as STACK_TAG
from mailroom.store.keys import BOOK_KEY, OUTBOX_PREFIX, SENT_PREFIX, SUPPRESSED
from mailroom.tracking.tag import TAG as SET_TAG

__all__ = ["SharedFunctions", "take_role_for", "trust_in"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedFunctions:
    """The values of a cell's functions that a tenant needs.

    Args:
        registry_path: prefix of the name of a tenant's entry, with a slash at both ends.
        tracking_role_arn: role that records SES's events; see `EngagementTracking`.
        books_role_arn: role that writes address books; see `AddressBookWriter`.
        key_arns: KMS keys that both roles may already use for tables. Default: none; the policy of another key must name them.
    """

    registry_path: str
    tracking_role_arn: str
    books_role_arn: str
    key_arns: Sequence[str] = ()

    def table_statements(self, *, configuration_set_name: str, stack_id: str) -> list[dict[str, Any]]:
        """Statements of the table's policy: they admit events of this configuration set with their effects, and the book of this
        stack.
        """
        noting = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        return [
            _let(
                "LetTrackingNote",
                self.tracking_role_arn,
                noting,
                (SET_TAG, configuration_set_name),
                [f"{SENT_PREFIX}*", SUPPRESSED],
            ),
            # SES's own event settles a request whose answer by SES was lost.
            _let(
                "LetTrackingSettle",
                self.tracking_role_arn,
                ["dynamodb:GetItem", "dynamodb:UpdateItem"],
                (SET_TAG, configuration_set_name),
                [f"{OUTBOX_PREFIX}*"],
            ),
            _let("LetAddressBookBeWritten", self.books_role_arn, noting[1:], (STACK_TAG, stack_id), [BOOK_KEY[0]]),
        ]


def trust_in(function_role_arn: str, tag: str) -> list[dict[str, Any]]:
    """Statements of the role's trust policy: this one function assumes it, with this one tag.

    Source: IAM user guide, "Passing session tags in AWS STS".
    """
    return [
        {
            "Effect": "Allow",
            "Principal": {"AWS": function_role_arn},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                # A session without the tag has no tenant, and a condition on a list is true for an empty one.
                "Null": {f"aws:RequestTag/{tag}": "false"},
                "ForAllValues:StringEquals": {"aws:TagKeys": [tag]},
            },
        }
    ]


def take_role_for(role_arn: str) -> dict[str, Any]:
    """Statement that lets the policy's owner assume the role and tag the session."""
    return {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": role_arn}


def _let(sid: str, role_arn: str, actions: list[str], tag: tuple[str, str], keys: list[str]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": actions,
        # The table's own ARN would be a reference of the table to itself.
        "Resource": "*",
        "Condition": {
            "StringEquals": {f"aws:PrincipalTag/{tag[0]}": tag[1]},
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys},
        },
    }
