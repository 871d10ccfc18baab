"""Fixed limits of AWS for one tenant, which no quota raises. Pure: config and constructs check the same limits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from mailroom.addresses import AddressBook

__all__ = [
    "MOST_BOOK_BYTES",
    "MOST_COUNTED_RESOURCES",
    "MOST_POLICY_CHARACTERS",
    "MOST_RECIPIENTS_PER_RULE",
    "MOST_SENDER_CHARACTERS",
    "access_characters",
    "attributes",
    "book_bytes",
    "most_receipt_rules",
    "most_sender_characters",
    "sender_characters",
]

MOST_SENDER_CHARACTERS: Final = 8_000
"""Most characters for senders in the policies of any role; the rest of `MOST_POLICY_CHARACTERS` is for other statements."""

_WORK_CHARACTERS: Final = 2_000
"""Other statements of the role that ingests and sends, with the longest names, without its domain, which is in them twice."""
_KEY_CHARACTERS: Final = 860
"""Further statements for a KMS key."""

MOST_POLICY_CHARACTERS: Final = 10_240
"""All inline policies of a role together, without white space. IAM user guide, "IAM and STS quotas"."""
_ACCESS_CHARACTERS: Final = {"read": 1_150, "send": 1_350, "addresses": 400, "held": 650}
_POLICY_CHARACTERS: Final = 50
_ACCESS_KEY_CHARACTERS: Final = 900
"""Statements of `Access` for a KMS key, with the longest names."""

MOST_RECIPIENTS_PER_RULE: Final = 500
"""SES developer guide, "Service quotas in Amazon SES", email receiving; another page says 100."""

MOST_COUNTED_RESOURCES: Final = 430
"""Receipt rules and subscriptions of one stack: it has at most 500 resources, of which 70 remain for other kinds.

Source: CloudFormation user guide, "Understand CloudFormation quotas".
"""

_MOST_POLICY_BYTES: Final = 20 * 1024
_LONGEST_REGION: Final = "ap-southeast-3"
_POLICY_WITHOUT_RULES: Final = 6 * 1024
"""The rest of a bucket's policy, with the longest names. S3 user guide, "Bucket policies"."""

MOST_BOOK_BYTES: Final = 200 * 1024
"""A template holds 1 MB in all, and an item of DynamoDB's 400 KB. CloudFormation user guide, "Understand CloudFormation quotas";
DynamoDB developer guide, "Constraints"."""


def sender_characters(addresses: Iterable[str]) -> int:
    """The length of addresses in a policy, each with its quotes and comma."""
    return sum(len(address) + 3 for address in set(addresses))


def most_sender_characters(domain: str, *, encrypted: bool) -> int:
    """The most `sender_characters` for the role that sends a tenant's mail, beside its other statements.

    Args:
        domain: of the addresses.
        encrypted: whether the tenant's mail has a KMS key of the customer's.
    """
    other = _WORK_CHARACTERS + 2 * len(domain) + (_KEY_CHARACTERS if encrypted else 0)
    return min(MOST_SENDER_CHARACTERS, MOST_POLICY_CHARACTERS - other)


def access_characters(may: Iterable[str], *, encrypted: bool) -> int:
    """The greatest length of the policy of an application's role for one tenant.

    Args:
        may: "read", "send", "addresses", "held".
        encrypted: whether the tenant's mail has a KMS key of the customer's.
    """
    return _POLICY_CHARACTERS + _ACCESS_KEY_CHARACTERS * encrypted + sum(_ACCESS_CHARACTERS[one] for one in may)


def most_receipt_rules(rule_set_name: str, tenant_id: str) -> int:
    """The number of a tenant's receipt rules that fit its bucket's policy, which lets each of them write."""
    name = (
        f'"arn:aws:ses:{_LONGEST_REGION}:123456789012:receipt-rule-set/{rule_set_name}:receipt-rule/{tenant_id}-999",'
    )
    return (_MOST_POLICY_BYTES - _POLICY_WITHOUT_RULES) // len(name)


def book_bytes(book: AddressBook) -> int:
    """The size of the book as a DynamoDB item in JSON."""
    # The import loads AWS's SDK, which a config without large books does not need.
    from mailroom.store.address_book import address_book_item  # noqa: PLC0415

    return len(json.dumps(attributes(address_book_item(book)), ensure_ascii=False).encode())


def attributes(item: dict[str, Any]) -> dict[str, Any]:
    """The item in the form of DynamoDB's API. It may have text, booleans, lists and mappings, as address books do."""
    return {name: _attribute(value) for name, value in item.items()}


def _attribute(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case list():
            return {"L": [_attribute(one) for one in value]}
        case dict():
            return {"M": attributes(value)}
    raise TypeError(f"{type(value).__name__} is in no address book")
