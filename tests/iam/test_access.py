"""The grants of an application, by IAM's own rules: they allow it to read one tenant's mail, and no more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from constructs_lib.access import Access
from tests.iam.evaluator import ACCOUNT, Request, decisions

pytestmark = pytest.mark.slow

TABLES = {name: f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/{name}" for name in ("acme", "acme2", "globex")}
BUCKETS = {name: f"arn:aws:s3:::{name}" for name in TABLES}
ACME = Access(bucket_arn=BUCKETS["acme"], table_arn=TABLES["acme"])
ITEMS = ("MESSAGE#x", "THREAD#x", "ADDRESS#anna@example.net", "OUTBOX#x", "SENT#x", "SUPPRESSED", "ADDRESSES")
TABLE_ACTIONS = ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
OBJECT_ACTIONS = ("GetObject", "GetObjectVersion", "PutObject", "DeleteObject", "PutObjectTagging")
PREFIXES = (
    "attachments/x/1",
    "bodies/x.json",
    "clean/x",
    "raw/x",
    "raw/out/x",
    "raw/decisions/x",
    "held/x",
    "heldback/x",
    "quarantine/x",
    "verdicts/x",
    "cleaner/x",
)


def policies_of(grant: Callable[[iam.IGrantable], iam.Grant]) -> list[dict[str, Any]]:
    """The policies of a role with this grant alone."""
    stack = cdk.Stack(cdk.App(), "Application")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    grant(role).assert_success()
    found = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return [one["Properties"]["PolicyDocument"] for one in found]


@pytest.fixture(scope="module")
def requests() -> dict[tuple[str, str, str], tuple[str, str, dict[str, Any]]]:
    """By tenant, action and what it is about: everything that an application could try."""
    found: dict[tuple[str, str, str], tuple[str, str, dict[str, Any]]] = {}
    for tenant, action, item in product(TABLES, TABLE_ACTIONS, ITEMS):
        keys = {} if action == "Scan" else {"dynamodb:LeadingKeys": [item]}
        found[tenant, action, item] = f"dynamodb:{action}", TABLES[tenant], keys
    lists = product(TABLES, ("Query", "Scan"), ("threads-by-activity", "other"), ("listed", "requests"))
    for tenant, action, index, listed in lists:
        keys = {} if action == "Scan" else {"dynamodb:LeadingKeys": [listed]}
        found[tenant, f"{action} {listed}", index] = f"dynamodb:{action}", f"{TABLES[tenant]}/index/{index}", keys
    for tenant, action, key in product(BUCKETS, OBJECT_ACTIONS, PREFIXES):
        found[tenant, action, key] = f"s3:{action}", f"{BUCKETS[tenant]}/{key}", {}
    for tenant, prefix in product(BUCKETS, ("", "held/", "held/x", "heldback/", "raw/", "clean/")):
        found[tenant, "ListBucket", prefix] = "s3:ListBucket", BUCKETS[tenant], {"s3:prefix": prefix} if prefix else {}
    for tenant, bucket in BUCKETS.items():
        found[tenant, "ListBucketVersions", "held/"] = "s3:ListBucketVersions", bucket, {"s3:prefix": "held/"}
    return found


def allowed(policies: list[dict[str, Any]], requests: dict[Any, tuple[str, str, dict[str, Any]]]) -> set[Any]:
    """Which of these a session of the role may do."""
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/Application/x"
    asked = [
        Request(principal=session, action=action, resource=resource, identity=policies, context=context)
        for action, resource, context in requests.values()
    ]
    return {what for what, yes in zip(requests, decisions(asked), strict=True) if yes}


def test_reading_allows_reading_of_one_tenant(requests: dict[Any, Any]) -> None:
    """Table, index and three prefixes; no write, no scan, no list, nothing in quarantine, and nothing of another tenant."""
    policies = policies_of(ACME.grant_read)
    expected = {("acme", action, item) for action, item in product(("GetItem", "BatchGetItem", "Query"), ITEMS)}
    expected |= {("acme", f"Query {listed}", "threads-by-activity") for listed in ("listed", "requests")}
    expected |= {("acme", "GetObject", key) for key in ("attachments/x/1", "bodies/x.json", "clean/x")}
    assert allowed(policies, requests) == expected


def test_outbox_allows_requests_of_one_tenant(requests: dict[Any, Any]) -> None:
    """To put a message in, ask for it, list all of them and see what its sender is: no mail, no thread, nothing of another."""
    policies = policies_of(ACME.grant_use_of_outbox)
    expected = {("acme", action, "OUTBOX#x") for action in ("GetItem", "PutItem")} | {("acme", "GetItem", "ADDRESSES")}
    expected |= {("acme", "Query requests", "threads-by-activity"), ("acme", "PutObject", "raw/out/x")}
    assert allowed(policies, requests) == expected


def test_deciding_on_held_mail_allows_its_list_and_requests(requests: dict[Any, Any]) -> None:
    """What the scanner says of it, and requests: no quarantined message, no mail, nothing of another tenant."""
    policies = policies_of(ACME.grant_decide_held)
    expected = {("acme", "ListBucket", prefix) for prefix in ("held/", "held/x")}
    expected |= {("acme", "GetObject", "held/x"), ("acme", "PutObject", "raw/decisions/x")}
    assert allowed(policies, requests) == expected


def test_reading_addresses_allows_one_item(requests: dict[Any, Any]) -> None:
    """The address book, and no message."""
    policies = policies_of(ACME.grant_read_addresses)
    assert allowed(policies, requests) == {("acme", "GetItem", "ADDRESSES")}
