"""Judges the template of a tenant before CloudFormation gets it: its resources, and the principals with access to them. Pure.

Synthesis handles customers' input, so the template is not trusted: lists name the parts of a tenant's stack, and a part that is on
no list is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from constructs_lib.naming import BOUNDARY_EXPORT, ENVELOPES_EXPORT, cell_export, cell_stack_name, receipt_rule_set_name
from constructs_lib.records import in_zone
from email_stack.config.snapshots import REVISION_OUTPUT, Snapshot
from email_stack.synthesis.dynamic_references import references_in

__all__ = ["ACTIONS", "MOST_BYTES", "TYPES", "Judge", "read_template"]

Template = Mapping[str, Any]

MOST_BYTES: Final = 1_000_000
"""CloudFormation user guide, "CloudFormation quotas": template body in S3."""
TYPES: Final = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::Route53::HostedZone",
        "AWS::Route53::RecordSetGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SES::ConfigurationSet",
        "AWS::SES::ConfigurationSetEventDestination",
        "AWS::SES::EmailIdentity",
        "AWS::SES::ReceiptRule",
        "AWS::SES::Tenant",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter",
    }
)
"""Resource types of a tenant's stack with the cell's scanner. No custom resource, no nested stack, no macro."""
ACTIONS: Final = frozenset(
    {
        *(
            f"dynamodb:{one}"
            for one in (
                *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query"),
                "UpdateItem",
            )
        ),
        "events:PutEvents",
        *("kms:Decrypt", "kms:GenerateDataKey"),
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
        *("ses:GetAccount", "ses:SendEmail", "ses:SendRawEmail"),
        *("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        *("sqs:ReceiveMessage", "sqs:SendMessage"),
    }
)
"""Actions that the role of a tenant's function may have on its own resources."""
_ANYWHERE: Final = frozenset({"ses:GetAccount"})
"""Actions without a resource. Service authorization reference, "Amazon SES v2"."""
_TOP: Final = {"Description", "Resources", "Outputs", "Parameters", "Rules"}
_PARTS: Final = {"Type", "Properties", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
_FUNCTIONS: Final = {"Fn::GetAtt", "Fn::ImportValue", "Fn::Join", "Fn::Select", "Fn::Split", "Ref"}
_PARAMETER: Final = {"BootstrapVersion": "/cdk-bootstrap/hnb659fds/version"}
_KEPT: Final = {"AWS::DynamoDB::Table", "AWS::Route53::HostedZone", "AWS::S3::Bucket"}
_KEEPING: Final = {"Retain", "RetainExceptOnCreate"}
_SERVICES: Final = {"cloudwatch.amazonaws.com", "lambda.amazonaws.com", "s3.amazonaws.com", "ses.amazonaws.com"}
_BUCKET: Final = re.compile(
    r"cdk-hnb659fds-assets-(?:\$\{AWS::AccountId\}|[0-9]{12})-(?:\$\{AWS::Region\}|[a-z0-9-]{4,30})"
)
_ASSET: Final = re.compile(r"([0-9a-f]{64})\.zip")


def read_template(content: bytes) -> Template:
    """The template of JSON text. Raises ValueError for other text and for more than `MOST_BYTES`."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"template: must be at most {MOST_BYTES:,} bytes, is {len(content):,}")
    try:
        said: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("template: must be JSON") from error
    if not isinstance(said, dict) or not isinstance(said.get("Resources"), dict):
        raise ValueError("template: must be an object with resources")  # noqa: TRY004 - a value, as all that is wrong with it
    return said


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Judges templates of tenants in one cell.

    Args:
        cell: its id.
        assets: hashes of the code that was published with the release; functions may run no other. Default: None, all code in the
            CDK's own bucket, for an operator who publishes it as `cdk deploy` does.
        bounded: whether each role must have the cell's boundary, as cells with a settings API have one. Default: False.
    """

    cell: str
    assets: frozenset[str] | None = None
    bounded: bool = False

    def faults(self, template: Template, snapshot: Snapshot) -> list[str]:
        """All faults of the template of `snapshot`'s tenant; [] for one that may be deployed."""
        try:
            return list(self._faults(template, snapshot))
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            return [f"template: is not built as the CDK builds one: {type(error).__name__}"]

    def _faults(self, template: Template, snapshot: Snapshot) -> Iterator[str]:
        for path, _ in references_in(template):
            yield f"{path}: must hold no dynamic reference"
        yield from (f"{key}: is no part of a tenant's template" for key in template if key not in _TOP)
        parameters = {name: one.get("Default") for name, one in template.get("Parameters", {}).items()}
        if parameters != _PARAMETER or set(template.get("Rules", {})) - {"CheckBootstrapVersion"}:
            yield "Parameters: must be BootstrapVersion alone"
        revision = template.get("Outputs", {}).get(REVISION_OUTPUT, {}).get("Value")
        if revision != str(snapshot.revision):
            yield f"Outputs.{REVISION_OUTPUT}: must be {snapshot.revision}"
        yield from self._intrinsics("", template)
        of = _Of(self.cell, self.assets, snapshot.tenant, str(snapshot.settings["subdomain"]), self.bounded)
        for name, resource in template["Resources"].items():
            kind = resource["Type"]
            if kind not in TYPES or set(resource) - _PARTS:
                yield f"{name}: must be of a type of a tenant's, without conditions, got {str(kind)[:80]}"
                continue
            if kind in _KEPT and not {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} <= _KEEPING:
                yield f"{name}: must be kept when its stack is deleted or replaces it"
            judged = _OF_TYPE.get(kind)
            for fault in judged(of, resource.get("Properties", {})) if judged else ():
                yield f"{name}: {fault}"

    def _intrinsics(self, path: str, value: Any) -> Iterator[str]:
        waiting = [(path, value)]
        while waiting:
            where, one = waiting.pop()
            if isinstance(one, Mapping):
                for key, inner in one.items():
                    named = where.endswith(".Code.S3Bucket") or where.startswith(".Rules")
                    if str(key).startswith("Fn::") and key not in _FUNCTIONS and not named:
                        yield f"{where.lstrip('.')}: must not use {str(key)[:40]}"
                    if key == "Fn::ImportValue" and not str(inner).startswith(f"{cell_stack_name(self.cell)}:"):
                        yield f"{where.lstrip('.')}: must import from its own cell"
                    waiting.append((f"{where}.{key}", inner))
            elif isinstance(one, list):
                waiting += [(f"{where}[{index}]", inner) for index, inner in enumerate(one)]


@dataclass(frozen=True, slots=True)
class _Of:
    """Owner of a resource: cell, published code, tenant and subdomain; and whether roles need the cell's boundary."""

    cell: str
    assets: frozenset[str] | None
    tenant: str
    subdomain: str
    bounded: bool


def _function(of: _Of, properties: Template) -> Iterator[str]:
    code = properties["Code"]
    asset = _ASSET.fullmatch(str(code.get("S3Key")))
    bucket = code.get("S3Bucket", {}).get("Fn::Sub", "")
    if set(code) != {"S3Bucket", "S3Key"} or asset is None or not _BUCKET.fullmatch(bucket):
        yield "must run code of the CDK's own bucket"
    elif of.assets is not None and asset[1] not in of.assets:
        yield "must run code that was published with this release"
    if "Fn::GetAtt" not in properties.get("Role", {}):
        yield "must have a role of its own stack"
    if {"Layers", "VpcConfig", "FileSystemConfigs", "ImageConfig"} & set(properties):
        yield "must have neither layers nor a network of its own"


def _role(of: _Of, properties: Template) -> Iterator[str]:
    if set(properties) - {"AssumeRolePolicyDocument", "Policies", "Tags", "Path", "PermissionsBoundary"}:
        yield "must have policies of its own alone"
    bound = {"Fn::ImportValue": cell_export(of.cell, BOUNDARY_EXPORT)}
    if properties.get("PermissionsBoundary", None if of.bounded else bound) != bound:
        yield "must have the boundary of its cell"
    for statement in _statements(properties["AssumeRolePolicyDocument"]):
        if statement.get("Effect") != "Allow" or statement.get("Principal") != {"Service": "lambda.amazonaws.com"}:
            yield "must let Lambda assume it, and no other principal"
    for policy in properties.get("Policies", []):
        for statement in _statements(policy["PolicyDocument"]):
            yield from _grant(of, statement)


def _policy(_of: _Of, properties: Template) -> Iterator[str]:
    for statement in _statements(properties["PolicyDocument"]):
        if statement.get("Effect") == "Deny":
            continue
        for principal in _principals(statement.get("Principal")):
            service = isinstance(principal, str) and principal in _SERVICES
            own = isinstance(principal, Mapping) and ("Fn::ImportValue" in principal or "Fn::GetAtt" in principal)
            if not (service or own) or "NotPrincipal" in statement:
                yield "must admit services, roles of its cell and its own roles, and no other principal"


def _table(of: _Of, properties: Template) -> Iterator[str]:
    policy = properties.get("ResourcePolicy")
    yield from _policy(of, {"PolicyDocument": policy["PolicyDocument"]}) if policy else ()


def _identity(of: _Of, properties: Template) -> Iterator[str]:
    if properties.get("EmailIdentity") != of.subdomain:
        yield f"must be the identity {of.subdomain}"


def _zone(of: _Of, properties: Template) -> Iterator[str]:
    if str(properties.get("Name")).rstrip(".") != of.subdomain or properties.get("VPCs"):
        yield f"must be the public zone {of.subdomain}"


def _records(of: _Of, properties: Template) -> Iterator[str]:
    if "Ref" not in properties.get("HostedZoneId", {}):
        yield "must be in the zone of its own stack"
    for record in properties["RecordSets"]:
        name = record["Name"]
        # DKIM labels are known at deployment only; Route 53 refuses names outside of the zone.
        if isinstance(name, str) and not in_zone(name.rstrip("."), of.subdomain):
            yield f"must hold records of {of.subdomain} alone"


def _rule(of: _Of, properties: Template) -> Iterator[str]:
    if properties.get("RuleSetName") != receipt_rule_set_name(of.cell):
        yield "must be in the rule set of its cell"
    recipients = properties["Rule"].get("Recipients") or [""]
    if not all(isinstance(one, str) and one.rpartition("@")[2] == of.subdomain for one in recipients):
        yield f"must receive for {of.subdomain} alone"
    if any(set(one) - {"S3Action"} for one in properties["Rule"].get("Actions", [])):
        yield "must put mail into its bucket, and nothing else"
    topics = [one.get("S3Action", {}).get("TopicArn") for one in properties["Rule"].get("Actions", [])]
    if any(one not in (None, {"Fn::ImportValue": cell_export(of.cell, ENVELOPES_EXPORT)}) for one in topics):
        yield "must tell the topic of its cell whom mail is for, and nobody else"


def _tenant(of: _Of, properties: Template) -> Iterator[str]:
    if properties.get("TenantName") != of.tenant:
        yield f"must be the SES tenant {of.tenant}"


def _subscription(_of: _Of, properties: Template) -> Iterator[str]:
    if properties.get("Protocol") != "email":
        yield "must tell operators by e-mail"


def _grant(of: _Of, statement: Template) -> Iterator[str]:
    """Faults of one statement of a role."""
    if statement.get("Effect") == "Deny":
        return
    actions = _listed(statement.get("Action"))
    if not actions or not set(actions) <= ACTIONS or {"NotAction", "NotResource"} & set(statement):
        yield "must give its role the actions of a tenant's function alone"
    if any(str(one).startswith("ses:Send") for one in actions):
        senders = _listed(statement.get("Condition", {}).get("StringEquals", {}).get("ses:FromAddress"))
        if not senders or not all(str(one).rpartition("@")[2] == of.subdomain for one in senders):
            yield f"must let its role send from addresses of {of.subdomain} alone"
    for resource in _listed(statement.get("Resource")):
        if resource == "*" and set(actions) <= _ANYWHERE:
            continue
        if not _own(resource):
            yield "must give its role resources of its own stack alone"


def _own(resource: Any) -> bool:
    """Whether a resource is the stack's own, a part of one, or the account's event bus. A wildcard may stand at its end only."""
    if not isinstance(resource, Mapping):
        return False
    if "Fn::GetAtt" in resource or "Ref" in resource:
        return True
    said = resource.get("Fn::Join", ["", []])[1]
    text = "".join(one if isinstance(one, str) else "\0" for one in said)
    refers = any(isinstance(one, Mapping) and not _pseudo(one) for one in said)
    return (refers and "*" not in text.rstrip("*")) or text.endswith(":event-bus/default")


def _pseudo(value: Template) -> bool:
    return str(value.get("Ref", "")).startswith("AWS::")


def _statements(document: Template) -> list[Template]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


def _principals(principal: Any) -> list[Any]:
    if not isinstance(principal, Mapping):
        return [principal]
    return [one for value in principal.values() for one in _listed(value)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


_Judged = Callable[[_Of, Template], Iterator[str]]
_OF_TYPE: Final[Mapping[str, _Judged]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::Route53::HostedZone": _zone,
    "AWS::Route53::RecordSetGroup": _records,
    "AWS::S3::BucketPolicy": _policy,
    "AWS::SES::EmailIdentity": _identity,
    "AWS::SES::ReceiptRule": _rule,
    "AWS::SES::Tenant": _tenant,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::TopicPolicy": _policy,
    "AWS::SQS::QueuePolicy": _policy,
}
