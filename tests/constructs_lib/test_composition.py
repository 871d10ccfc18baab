"""Constructs in an app of somebody else's: in several stacks, called twice, with other flags and policies of removal."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk
import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib import (
    ActiveReceiptRuleSet,
    AttachmentScanner,
    AttachmentScannerProps,
    SecurityAlerts,
    SignatureMirror,
    TenantSubdomain,
    TenantSubdomainProps,
)
from mailroom.addresses import DesignatedAddress
from tests.iam.deployed import Deployment
from tests.iam.evaluator import decisions
from tests.iam.keys import roles_without_key
from tests.iam.quarantine import asked_by
from tests.templates import REGION, UNSTAGED, new_stack, only, plain_app, resources, template_of

DOMAIN = "post.acme.example"


def stacks(*names: str) -> list[cdk.Stack]:
    """Empty stacks of one app."""
    app = plain_app()
    return [cdk.Stack(app, name, env=cdk.Environment(region=REGION)) for name in names]


def tenant(stack: cdk.Stack, rule_set_name: str, **settings: Any) -> TenantSubdomain:
    """A tenant with one address."""
    props: dict[str, Any] = {
        "tenant_id": "acme",
        "subdomain": DOMAIN,
        "addresses": [DesignatedAddress(f"support@{DOMAIN}")],
    }
    return TenantSubdomain(stack, "Acme", TenantSubdomainProps(rule_set_name=rule_set_name, **{**props, **settings}))


def scanner(stack: cdk.Stack) -> AttachmentScanner:
    """A scanner with its definitions."""
    props = AttachmentScannerProps(definitions=SignatureMirror(stack, "Definitions").bucket)
    return AttachmentScanner(stack, "Scanner", props)


def deployed(*made: cdk.Stack) -> Deployment:
    """All stacks of the app, as if deployed."""
    app = made[0].node.root
    assert isinstance(app, cdk.App)
    assembly = app.synth()
    return Deployment({one.stack_name: one.template for one in assembly.stacks if "Resources" in one.template})


def test_rule_waits_for_its_set() -> None:
    """In one stack by reference alone; nobody adds a dependency."""
    stack = new_stack()
    tenant(stack, ActiveReceiptRuleSet(stack, "RuleSet", rule_set_name="mail").rule_set_name)
    template = template_of(stack)
    (rule_set,) = resources(template, "AWS::SES::ReceiptRuleSet")
    assert only(template, "AWS::SES::ReceiptRule")["RuleSetName"] == {"Ref": rule_set}
    assert {"Ref": rule_set} in only(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"][-1]["Condition"][
        "StringEquals"
    ]["aws:SourceArn"][0]["Fn::Join"][1]


def test_tenants_stack_waits_for_the_sets() -> None:
    """Across stacks, too: deployed after it, and deleted before it."""
    shared, own = stacks("Shared", "Own")
    tenant(own, ActiveReceiptRuleSet(shared, "RuleSet", rule_set_name="mail").rule_set_name)
    deployed(shared, own)
    assert [one.stack_name for one in own.dependencies] == ["Shared"]


def test_bucket_and_topic_are_given_again() -> None:
    """Whoever grants to two functions asks twice."""
    stack = new_stack()
    made = tenant(stack, "mail")
    roles = [iam.Role(stack, f"Role{n}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")) for n in range(2)]
    for role in roles:
        made.inbox.bucket().grant_read(role)
        made.alerts.topic().grant_publish(role)
    assert made.inbox.bucket() is made.inbox.bucket()
    assert made.alerts.topic() is made.alerts.topic()
    assert len(resources(template_of(stack), "AWS::IAM::Policy")) == 2


def _bucket(stack: cdk.Stack, kind: str) -> s3.Bucket:
    key = kms.Key(stack, "BucketKey") if kind == "kms" else None
    encryption = s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED
    return s3.Bucket(
        stack,
        "Bucket",
        versioned=True,
        encryption=encryption,
        encryption_key=key,
        bucket_key_enabled=True if key else None,
    )


def _topic(stack: cdk.Stack, kind: str) -> sns.ITopic | SecurityAlerts:
    if kind == "alerts":
        return SecurityAlerts(stack, "Detections", display_name="Detections")
    return sns.Topic(stack, "Detections", master_key=kms.Key(stack, "TopicKey") if kind == "kms" else None)


@pytest.mark.parametrize("topic", ["plain", "kms", "alerts"])
@pytest.mark.parametrize("bucket", ["plain", "kms"])
@pytest.mark.parametrize("where", ["one stack", "bucket elsewhere", "bucket and topic elsewhere", "each elsewhere"])
def test_scanner_scans_a_bucket_wherever_it_is(where: str, bucket: str, topic: str) -> None:
    """With what it needs of bucket, topic and both keys, and no circle of stacks."""
    scanners, buckets, topics = {
        "one stack": lambda a, b, c: (a, a, a),
        "bucket elsewhere": lambda a, b, c: (a, b, a),
        "bucket and topic elsewhere": lambda a, b, c: (a, b, b),
        "each elsewhere": lambda a, b, c: (a, b, c),
    }[where](*stacks("A", "B", "C"))
    made = scanner(scanners)
    made.scan(_bucket(buckets, bucket), name="uploads", alerts=_topic(topics, topic))
    deployment = deployed(scanners)
    assert roles_without_key(deployment) == []
    (role,) = [one for one in deployment.roles if one.logical_id.startswith("ScannerRole")]
    (files,) = [one for one in deployment.buckets if one.logical_id.startswith("Bucket")]
    (told,) = [arn for _stack, arn, _ in deployment.of_type("AWS::SNS::Topic")]
    policies = [one["PolicyDocument"] for _s, _a, one in deployment.of_type("AWS::SNS::TopicPolicy")]
    asked = [
        asked_by(role, action, resource, policy)
        for action, resource, policy in (
            ("s3:GetObjectVersion", f"{files.arn}/raw/x", files.policy),
            ("s3:PutObject", f"{files.arn}/clean/x", files.policy),
            ("sns:Publish", told, policies[0] if policies else None),
        )
    ]
    assert decisions(asked) == [True, True, True]


def test_scanner_takes_a_topic_by_its_arn() -> None:
    """An imported topic names no stack: the role's own policy says it."""
    scanners, buckets = stacks("A", "B")
    topic = sns.Topic.from_topic_arn(buckets, "Topic", f"arn:aws:sns:{REGION}:111111111111:security")
    scanner(scanners).scan(_bucket(buckets, "plain"), name="uploads", alerts=topic)
    assert any("security" in str(role.policies) for role in deployed(scanners).roles)


def _suspended(stack: cdk.Stack) -> s3.Bucket:
    bucket = s3.Bucket(stack, "Bucket", versioned=True)
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.versioning_configuration = s3.CfnBucket.VersioningConfigurationProperty(status="Suspended")
    return bucket


@pytest.mark.parametrize(
    ("make", "got"),
    [(_suspended, "versioning Suspended"), (lambda stack: s3.Bucket(stack, "Bucket"), "versioning off")],
)
def test_what_keeps_no_versions_is_refused(make: Callable[[cdk.Stack], s3.Bucket], got: str) -> None:
    """Suspended versioning replaces what was scanned, as none does."""
    stack = new_stack()
    with pytest.raises(ValueError, match=rf'bucket "Stack/Bucket" must be versioned, .* got {got}; set versioned=True'):
        scanner(stack).scan(make(stack), name="uploads", alerts=sns.Topic(stack, "Topic"))


def _everything(stack: cdk.Stack, **settings: Any) -> None:
    rule_set = ActiveReceiptRuleSet(stack, "RuleSet", rule_set_name="mail")
    tenant(stack, rule_set.rule_set_name, scanner=scanner(stack).scanner, **settings)


def test_everything_can_be_destroyed() -> None:
    """What the CDK's RemovalPolicies says goes: nothing is kept, and nothing protects itself."""
    stack = new_stack()
    _everything(stack)
    cdk.RemovalPolicies.of(stack).destroy()
    found = template_of(stack).to_json()["Resources"]
    kept = {
        name: one["DeletionPolicy"] for name, one in found.items() if one.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == {}
    assert [name for name, one in found.items() if one.get("Properties", {}).get("DeletionProtectionEnabled")] == []


def test_destroy_reaches_every_key() -> None:
    """What holds no data but costs by the month goes with what it encrypted."""
    stack = new_stack()
    _everything(stack, removal_policy=cdk.RemovalPolicy.DESTROY)
    SignatureMirror(stack, "Other", removal_policy=cdk.RemovalPolicy.DESTROY)
    keys = resources(template_of(stack), "AWS::KMS::Key").values()
    assert [key["DeletionPolicy"] for key in keys] == ["Delete", "Delete"]
    buckets = resources(template_of(stack), "AWS::S3::Bucket")
    assert [one["DeletionPolicy"] for name, one in buckets.items() if name.startswith("Other")] == ["Delete"]


def _flags() -> dict[str, Any]:
    """The CDK's feature flags of a new project."""
    (archive,) = (Path(aws_cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.tgz")
    with tarfile.open(archive) as files:
        found = files.extractfile("package/recommended-feature-flags.json")
        assert found is not None
        flags: dict[str, Any] = json.load(found)
    return flags


def _in_an_app(context: dict[str, Any]) -> dict[str, Any]:
    """Everything, as deployed from an app with these flags; names of partitions aside, which one flag writes out."""
    stack = cdk.Stack(
        cdk.App(context={**context, **UNSTAGED}, tree_metadata=False), "Stack", env=cdk.Environment(region=REGION)
    )
    _everything(stack)
    deployment = deployed(stack)
    return {name: deployment.resource("Stack", name) for name in _with_properties(deployment)}


def _with_properties(deployment: Deployment) -> list[str]:
    (template,) = deployment.templates.values()
    return [name for name, one in template["Resources"].items() if "Properties" in one and "Zone" not in name]


@pytest.mark.slow
def test_template_is_the_same_whatever_the_apps_flags() -> None:
    """None set, as a new project has them, and each the other way round."""
    flags = _flags()
    assert len(flags) > 80
    plain = _in_an_app({})
    assert _in_an_app(flags) == plain
    assert _in_an_app({name: not value for name, value in flags.items() if isinstance(value, bool)}) == plain


def test_how_many_tenants_fill_a_stack() -> None:
    """Some twenty, as docs/constructs.md says: CloudFormation takes 500 resources in one."""
    stack = new_stack()
    assert scanner(stack).scanner.topic_arn
    before = len(template_of(stack).to_json()["Resources"])
    other = new_stack()
    tenant(other, "mail", scanner=scanner(other).scanner)
    assert 500 // (len(template_of(other).to_json()["Resources"]) - before) == 22


IMPORTS = ("from constructs_lib import TenantInbox", "import constructs_lib", "import constructs_lib.records")


@pytest.mark.slow
@pytest.mark.parametrize("imported", IMPORTS)
def test_node_need_not_be_on_path(imported: str, tmp_path: Path) -> None:
    """However the library is imported before the CDK, and whatever Node a system has."""
    other = tmp_path / "node"
    other.write_text("#!/bin/sh\necho of the system >&2; exit 1\n")
    other.chmod(0o755)
    program = f"{imported}\nimport aws_cdk\nprint(aws_cdk.App().node.path)"
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
