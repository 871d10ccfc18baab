"""Templates of a release pass, and templates with foreign parts do not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.deploying.judge import TYPES, Judge, read_template
from email_stack.settings.snapshots import snapshot_of
from tests.config.test_snapshots import WISH

pytestmark = pytest.mark.slow

SNAPSHOT = snapshot_of(WISH)
JUDGE = Judge(cell="eu")
Template = dict[str, Any]


def one(template: Template, kind: str) -> Template:
    """The first resource of a type."""
    found: Template = next(one for one in template["Resources"].values() if one["Type"] == f"AWS::{kind}")
    return found


def statement(template: Template) -> Template:
    """The first statement of the function's role."""
    found: Template = one(template, "IAM::Role")["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    return found


def policy(template: Template, kind: str) -> list[Template]:
    """The statements of a resource's policy."""
    found: list[Template] = one(template, kind)["Properties"]["PolicyDocument"]["Statement"]
    return found


def sending(template: Template) -> Template:
    """The statement that lets the role send."""
    statements = one(template, "IAM::Role")["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    found: Template = next(
        each for each in statements if "ses:SendEmail" in each["Action"] and each["Effect"] == "Allow"
    )
    return found


def add(template: Template, *, resource: Template) -> None:
    """One more."""
    template["Resources"]["X"] = resource


EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
STRANGER = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "*", "Resource": "*"}
NEW: dict[str, Template] = {
    "custom resource": {"Type": "Custom::Anything", "Properties": {"ServiceToken": "arn:aws:lambda:x"}},
    "CloudFormation's own": {"Type": "AWS::CloudFormation::CustomResource", "Properties": {}},
    "nested stack": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x"}},
    "user": {"Type": "AWS::IAM::User", "Properties": {}},
    "policy of another's role": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": ["Admin"]}},
    "identity of another": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": "globex.example"}},
    "zone of another": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "globex.example."}},
    "records elsewhere": {
        "Type": "AWS::Route53::RecordSetGroup",
        "Properties": {"HostedZoneId": "Z123", "RecordSets": [{"Name": "www.globex.example."}]},
    },
}
CHANGES: dict[str, Callable[[Template], object]] = {
    "macro": lambda t: t.update(Transform="AWS::Include"),
    "mappings": lambda t: t.update(Mappings={"A": {}}),
    "another parameter": lambda t: t["Parameters"].update(Secret={"Type": "AWS::SSM::Parameter::Value<String>"}),
    "parameter of another default": lambda t: t["Parameters"]["BootstrapVersion"].update(Default="/platform/secret"),
    "dynamic reference": lambda t: t["Outputs"].update(X={"Value": "{{resolve:ssm:/platform/secret}}"}),
    "macro within": lambda t: one(t, "SNS::Topic")["Properties"].update(X={"Fn::Transform": {"Name": "AWS::Include"}}),
    "another cell's value": lambda t: t["Outputs"].update(X={"Value": {"Fn::ImportValue": "Cell-us:AlarmsTopicArn"}}),
    "another revision": lambda t: t["Outputs"]["SettingsRevision"].update(Value="8"),
    "no revision": lambda t: t["Outputs"].pop("SettingsRevision"),
    "condition": lambda t: one(t, "SNS::Topic").update(Condition="X"),
    "zone that goes": lambda t: one(t, "Route53::HostedZone").update(DeletionPolicy="Delete"),
    "bucket that goes": lambda t: one(t, "S3::Bucket").pop("DeletionPolicy"),
    "private zone": lambda t: one(t, "Route53::HostedZone")["Properties"].update(VPCs=[{"VPCId": "vpc-1"}]),
    "another's identity": lambda t: one(t, "SES::EmailIdentity")["Properties"].update(EmailIdentity="globex.example"),
    "another's SES tenant": lambda t: one(t, "SES::Tenant")["Properties"].update(TenantName="globex"),
    "another's recipient": lambda t: one(t, "SES::ReceiptRule")["Properties"]["Rule"]["Recipients"].append(
        "a@globex.example"
    ),
    "every recipient": lambda t: one(t, "SES::ReceiptRule")["Properties"]["Rule"].pop("Recipients"),
    "another rule set": lambda t: one(t, "SES::ReceiptRule")["Properties"].update(RuleSetName="default-rule-set"),
    "rule that tells another topic": lambda t: one(t, "SES::ReceiptRule")["Properties"]["Rule"]["Actions"][0][
        "S3Action"
    ].update(TopicArn={"Fn::ImportValue": "Cell-eu:AlarmsTopicArn"}),
    "rule that calls": lambda t: one(t, "SES::ReceiptRule")["Properties"]["Rule"]["Actions"].append(
        {"LambdaAction": {}}
    ),
    "every resource": lambda t: statement(t).update(Resource="*"),
    "everything below": lambda t: statement(t).update(Resource="arn:aws:s3:::*"),
    "another's table": lambda t: statement(t).update(Resource={"Fn::Sub": "arn:aws:dynamodb:::table/x"}),
    "every action": lambda t: statement(t).update(Action="*"),
    "taking roles": lambda t: statement(t).update(Action=["sts:AssumeRole"]),
    "all actions but": lambda t: statement(t).update(NotAction=["s3:GetObject"]),
    "all resources but": lambda t: statement(t).update(NotResource="x"),
    "sending as anybody": lambda t: sending(t).pop("Condition"),
    "sending as another": lambda t: sending(t)["Condition"]["StringEquals"].update(
        {"ses:FromAddress": ["a@globex.example"]}
    ),
    "managed policy": lambda t: one(t, "IAM::Role")["Properties"].update(
        ManagedPolicyArns=["arn:aws:iam::aws:policy/Admin"]
    ),
    "role for anybody": lambda t: one(t, "IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"][0].update(
        Principal={"AWS": "*"}
    ),
    "function's role from outside": lambda t: one(t, "Lambda::Function")["Properties"].update(
        Role="arn:aws:iam::1:role/x"
    ),
    "code from outside": lambda t: one(t, "Lambda::Function")["Properties"]["Code"].update(S3Bucket="elsewhere"),
    "code within": lambda t: one(t, "Lambda::Function")["Properties"].update(Code={"ZipFile": "import os"}),
    "layers": lambda t: one(t, "Lambda::Function")["Properties"].update(Layers=["arn:aws:lambda:x"]),
    "bucket for everybody": lambda t: policy(t, "S3::BucketPolicy").append(EVERYBODY),
    "bucket for a stranger": lambda t: policy(t, "S3::BucketPolicy").append(STRANGER),
    "queue for everybody": lambda t: policy(t, "SQS::QueuePolicy").append(EVERYBODY),
    "topic for a stranger": lambda t: policy(t, "SNS::TopicPolicy").append(STRANGER),
    "table for a stranger": lambda t: one(t, "DynamoDB::Table")["Properties"]["ResourcePolicy"]["PolicyDocument"][
        "Statement"
    ].append(STRANGER),
    "everybody but": lambda t: policy(t, "S3::BucketPolicy").append({**EVERYBODY, "NotPrincipal": {"AWS": "x"}}),
    "resources that are none": lambda t: t["Resources"].update(X="text"),
}
CHANGES |= {name: partial(add, resource=resource) for name, resource in NEW.items()}


def test_template_of_a_release_is_let_through(template: Template) -> None:
    """As it is; and all that it is made of is on the list, which holds no more than a tenant's stack may."""
    assert JUDGE.faults(template, SNAPSHOT) == []
    assert {resource["Type"] for resource in template["Resources"].values()} <= TYPES
    assert read_template(json.dumps(template).encode()) == template


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_put_into_it_is_refused(template: Template, what: str) -> None:
    """Each by itself, with the name of what it stands in."""
    changed = copy.deepcopy(template)
    CHANGES[what](changed)
    assert changed != template
    assert JUDGE.faults(changed, SNAPSHOT)


def test_another_tenants_template_is_refused(template: Template) -> None:
    """Also where it is as right as this one: of another subdomain, another tenant, in another cell."""
    other = replace(SNAPSHOT, settings={**SNAPSHOT.settings, "subdomain": "mail.globex.example"})
    assert JUDGE.faults(template, other)
    assert JUDGE.faults(template, replace(SNAPSHOT, tenant="globex-1a2b3c"))
    assert Judge(cell="us").faults(template, SNAPSHOT)


def test_only_published_code_runs(template: Template) -> None:
    """By its hash, where the release's are known."""
    key = one(template, "Lambda::Function")["Properties"]["Code"]["S3Key"]
    assert Judge(cell="eu", assets=frozenset({key.removesuffix(".zip")})).faults(template, SNAPSHOT) == []
    assert Judge(cell="eu", assets=frozenset({"0" * 64})).faults(template, SNAPSHOT)


NESTED = st.recursive(st.none() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=9), inner))


@given(st.binary(max_size=100) | NESTED.map(lambda value: json.dumps({"Resources": value}).encode()))
def test_any_text_is_a_template_or_none(content: bytes) -> None:
    """It is refused, and nothing else happens."""
    try:
        found = read_template(content)
    except ValueError:
        return
    assert JUDGE.faults(found, SNAPSHOT)
