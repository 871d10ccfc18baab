"""The rights of a role by the config's `access`, by IAM's own rules: the named ones of its tenant, and none of another."""

from __future__ import annotations

import json
from itertools import chain, combinations
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib.limits import access_characters
from email_stack.config import Config, load
from email_stack.stacks.cell_stack import CellStack
from email_stack.stacks.tenant_stack import TenantStack
from tests.iam.deployed import Deployment
from tests.iam.evaluator import ACCOUNT, Request, decisions
from tests.nag import nag_findings
from tests.templates import UNSTAGED

pytestmark = pytest.mark.slow

WORDS = ("read", "send", "addresses", "held")
SUBSETS = list(chain.from_iterable(combinations(WORDS, count) for count in range(1, 5)))
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LONG = "a" * 32
"""A tenant's id can be no longer."""


def config_of(tmp_path: Any, *, encrypted: bool) -> Config:
    """Two tenants; of the first, a role for each subset of what there is; the second lets in the role that may all."""
    roles = [{"role_arn": f"arn:aws:iam::{ACCOUNT}:role/apps/{'-'.join(may)}", "may": list(may)} for may in SUBSETS]
    said: dict[str, Any] = {
        "cells": {"eu": {"region": "eu-central-1", **({"encryption": {"key_arn": KEY}} if encrypted else {})}},
        "tenants": [
            {"id": LONG, "subdomain": "post.acme.example", "addresses": ["support"], "access": roles},
            {"id": "globex", "subdomain": "post.globex.example", "addresses": ["support"], "access": roles[-1:]},
        ],
    }
    path = tmp_path / "tenants.yaml"
    path.write_text(json.dumps(said))
    return load(path)


class Deployed:
    """Both tenants' stacks, and the policies of the applications' roles in them."""

    def __init__(self, config: Config) -> None:
        app = cdk.App(context=UNSTAGED)
        for cell in config.cells:
            CellStack(app, cell)
        for tenant in config.tenants:
            TenantStack(app, tenant, config.cell(tenant.cell))
        self.findings = nag_findings(app)
        templates = {one.stack_name: one.template for one in app.synth().stacks}
        self.deployment = Deployment(templates)
        self.tables = {stack: arn for stack, arn, _ in self.deployment.of_type("AWS::DynamoDB::Table")}
        buckets = self.deployment.of_type("AWS::S3::Bucket")
        self.buckets = {stack: arn for stack, arn, _ in buckets if stack.startswith("Tenant-")}
        self.policies: dict[tuple[str, str], Any] = {}
        for stack, template in templates.items():
            for logical_id, one in template["Resources"].items():
                if one["Type"] != "AWS::IAM::Policy" or not isinstance(one["Properties"]["Roles"][0], str):
                    continue
                (role,) = one["Properties"]["Roles"]
                self.policies[stack, role] = self.deployment.resource(stack, logical_id)["PolicyDocument"]

    def requests(self, stack: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
        """One of each kind that an application could make of a tenant: action, resource, condition keys."""
        table, bucket = self.tables[stack], self.buckets[stack]
        index = f"{table}/index/threads-by-activity"
        item = {"dynamodb:LeadingKeys": ["MESSAGE#x"]}
        return {
            "message": ("dynamodb:Query", table, item),
            "threads": ("dynamodb:Query", index, {"dynamodb:LeadingKeys": ["listed"]}),
            "attachment": ("s3:GetObject", f"{bucket}/attachments/x/1", {}),
            "book": ("dynamodb:GetItem", table, {"dynamodb:LeadingKeys": ["ADDRESSES"]}),
            "request": ("dynamodb:PutItem", table, {"dynamodb:LeadingKeys": ["OUTBOX#x"]}),
            "requests": ("dynamodb:Query", index, {"dynamodb:LeadingKeys": ["requests"]}),
            "send": ("s3:PutObject", f"{bucket}/raw/out/x", {}),
            "held": ("s3:GetObject", f"{bucket}/held/x.json", {}),
            "list": ("s3:ListBucket", bucket, {"s3:prefix": "held/"}),
            "decide": ("s3:PutObject", f"{bucket}/raw/decisions/x", {}),
            "quarantine": ("s3:GetObject", f"{bucket}/raw/x", {}),
            "forge": ("s3:PutObject", f"{bucket}/raw/x", {}),
            "change": ("dynamodb:UpdateItem", table, item),
            "delete": ("s3:DeleteObject", f"{bucket}/clean/x", {}),
            "scan": ("dynamodb:Scan", table, {}),
            "queue": ("sqs:SendMessage", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:scanner", {}),
        }

    def allowed(self, role: str, stack: str) -> set[str]:
        """Which of these a role may, by the policies of both stacks together."""
        mine = [policy for (_stack, name), policy in self.policies.items() if name == role]
        requests = self.requests(stack)
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/x"
        asked = [
            Request(principal=session, action=action, resource=resource, identity=mine, context=context)
            for action, resource, context in requests.values()
        ]
        return {what for what, yes in zip(requests, decisions(asked), strict=True) if yes}


MAY = {
    "read": {"message", "threads", "attachment", "book", "requests"},
    "send": {"request", "requests", "send", "book"},
    "addresses": {"book"},
    "held": {"held", "list", "decide"},
}


@pytest.fixture(scope="module", params=[False, True], ids=["AWS's own keys", "a key of the customer's"])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """As synthesized."""
    return Deployed(config_of(tmp_path_factory.mktemp("config"), encrypted=request.param))


def test_each_word_allows_what_it_names(deployed: Deployed) -> None:
    """Of its own tenant, for each combination; of the other tenant nothing, but for the role that is let in there, too."""
    first, second = f"Tenant-{LONG}", "Tenant-globex"
    for may in SUBSETS:
        role = "-".join(may)
        expected = set().union(*(MAY[word] for word in may))
        assert deployed.allowed(role, first) == expected, role
        assert deployed.allowed(role, second) == (expected if may == WORDS else set()), role


def test_a_key_comes_through_its_services_alone(deployed: Deployed) -> None:
    """Where there is one: through S3 and DynamoDB, as far as the words need them."""
    for (_stack, role), policy in deployed.policies.items():
        through = {
            service.split(".")[0]
            for one in policy["Statement"]
            if any(action.startswith("kms:") for action in [one["Action"]] if isinstance(action, str))
            or any(str(action).startswith("kms:") for action in one["Action"])
            for service in _listed(one["Condition"]["StringEquals"]["kms:ViaService"])
        }
        needed = {service for word in role.split("-") for service in SERVICES[word]}
        assert through in (set(), needed), role


SERVICES = {"read": {"s3", "dynamodb"}, "send": {"s3", "dynamodb"}, "addresses": {"dynamodb"}, "held": {"s3"}}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_policies_are_no_longer_than_the_config_reckons(deployed: Deployed) -> None:
    """With the longest id, and names as long as AWS makes them; and not much shorter."""
    keyed = any("kms:" in json.dumps(policy) for policy in deployed.policies.values())
    for (stack, role), policy in deployed.policies.items():
        text = json.dumps(policy, separators=(",", ":"))
        # Names that CloudFormation makes up: as long as they can be.
        for name, longest in (
            (deployed.buckets[stack].rpartition(":")[2], 63),
            (deployed.tables[stack].rpartition("/")[2], 100),
        ):
            text = text.replace(name, "n" * longest)
        reckoned = access_characters(role.split("-"), encrypted=keyed)
        assert len(text) <= reckoned, role
        assert len(text) > reckoned / 3, role


def test_nothing_is_left_unexplained(deployed: Deployed) -> None:
    """cdk-nag finds each wildcard explained beside the roles."""
    assert [one for one in deployed.findings if "Access" in one] == []
