"""Templates with receipt rules, for the tests of rules and of inbound mail."""

from __future__ import annotations

from typing import Any

from .conftest import REGION, Stacks

ACCOUNT = "000000000000"


def policy(bucket: str, rule_set: str, rule: str, **changes: Any) -> dict[str, Any]:
    """A bucket policy that lets SES write below raw/ for one rule."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/raw/*",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            "ArnEquals": {
                "AWS:SourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:receipt-rule-set/{rule_set}:receipt-rule/{rule}"
            },
        },
    }
    return {"Version": "2012-10-17", "Statement": [{**statement, **changes}]}


def rule(name: str, bucket: str, recipients: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """A rule that stores mail below raw/."""
    action = {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": "raw/"}}
    found: dict[str, Any] = {"Name": name, "Enabled": True, "Actions": [action], "TlsPolicy": "Require"}
    if recipients is not None:
        found["Recipients"] = recipients
    return {**found, "ScanEnabled": True, **more}


def inbox(name: str, *rules: dict[str, Any], **policies: dict[str, Any]) -> dict[str, Any]:
    """A rule set, a bucket with a policy for each rule, and the rules one after another."""
    resources: dict[str, Any] = {
        "Set": {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": name}},
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": f"{name}-mail"}},
    }
    statements = [policy(f"{name}-mail", name, each["Name"])["Statement"][0] for each in rules]
    resources["Policy"] = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": statements}},
    }
    resources["Policy"]["Properties"] |= policies
    for number, each in enumerate(rules):
        after = {"After": {"Ref": f"Rule{number - 1}"}} if number else {}
        resources[f"Rule{number}"] = {
            "Type": "AWS::SES::ReceiptRule",
            "DependsOn": "Policy",
            "Properties": {"RuleSetName": {"Ref": "Set"}, "Rule": each, **after},
        }
    return resources


def described(stacks: Stacks, name: str) -> list[dict[str, Any]]:
    """The rules of a set as SES returns them."""
    rules: list[dict[str, Any]] = stacks.client("ses").describe_receipt_rule_set(RuleSetName=name)["Rules"]
    return rules
