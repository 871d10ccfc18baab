"""Permissions in a cell's settings API: policy statements by function. Pure: no CDK.

| principal | permissions |
|---|---|
| the API | assumes a role for one organisation at a time, which reaches that organisation's partition |
| synthesis | reads snapshots, writes templates, and nothing else |
| looks | reads and writes table and shelf, has CloudFormation change tenants' stacks by one role, from the shelf only |
| the daily check | reads and writes the table |
| CloudFormation, by the execution role | makes the resources of a tenant's stack |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from constructs_lib.naming import CHANGE_SETS, TENANT_STACKS
from constructs_lib.statements import allow_to
from mailroom.settings.keys import INDEXES, ORGANIZATION_TAG

__all__ = ["boundary", "execution", "looking", "organization_session", "synthesizing", "table_work", "use_of_key"]

_READING: Final = ("dynamodb:GetItem", "dynamodb:Query")
_WRITING: Final = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


def organization_session(table_arn: str) -> list[dict[str, Any]]:
    """One organisation's own partition, and the held names, which a proof writes.

    Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control"; IAM judges a transaction item
    by item.
    """
    return [
        {
            "Effect": "Allow",
            "Action": sorted([*_READING, *_WRITING]),
            "Resource": table_arn,
            "Condition": {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": [f"ORG#${{aws:PrincipalTag/{ORGANIZATION_TAG}}}", "NAMES#*"]
                },
                # A condition on a list is true for an empty one.
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }
    ]


def table_work(table_arn: str) -> list[dict[str, Any]]:
    """All organisations, and the indexes of due work: for looks and the daily check, which no customer calls."""
    return [
        allow_to(sorted([*_READING, *_WRITING]), table_arn),
        *(allow_to(["dynamodb:Query"], f"{table_arn}/index/{name}") for name in INDEXES),
    ]


def synthesizing(bucket_arn: str) -> list[dict[str, Any]]:
    """Two actions: the process that handles customers' input has no other permission."""
    return [
        allow_to(["s3:GetObject"], f"{bucket_arn}/snapshots/*"),
        allow_to(["s3:PutObject"], f"{bucket_arn}/templates/*"),
    ]


def looking(
    *,
    bucket_arn: str,
    bucket_url: str,
    stacks_arn: str,
    change_sets_arn: str,
    execution_role_arn: str,
    synthesis_arn: str,
    books_arn: str,
    bus_arn: str,
    partition: str,
) -> list[dict[str, Any]]:
    """Change sets of tenants' stacks from templates of the shelf, with one role; reads of the stacks, and events.

    Args:
        bucket_arn: of the shelf.
        bucket_url: prefix of the URLs of its templates.
        stacks_arn: prefix of the ARNs of this account's and region's stacks, up to "stack/".
        change_sets_arn: likewise of change sets, up to "changeSet/".
        execution_role_arn: CloudFormation's role.
        synthesis_arn: function that makes templates.
        books_arn: function that writes to tenants' tables.
        bus_arn: event bus.
        partition: of AWS.

    Source: service authorization reference, "Actions, resources, and condition keys for AWS CloudFormation": CreateChangeSet and
    ExecuteChangeSet also need TagResource and UntagResource, whose resources are change sets and stacks.
    """
    tenants = f"{stacks_arn}{TENANT_STACKS}*"
    reading = ("DescribeChangeSet", "DescribeStackEvents", "DescribeStacks", "GetTemplate", "ListStackResources")
    return [
        allow_to(["s3:GetObject", "s3:PutObject"], f"{bucket_arn}/snapshots/*"),
        allow_to(["s3:GetObject", "s3:PutObject"], f"{bucket_arn}/templates/*"),
        # Without it S3 answers 403 for a missing object.
        allow_to(["s3:ListBucket"], bucket_arn),
        allow_to([f"cloudformation:{one}" for one in reading], tenants),
        {
            "Effect": "Allow",
            "Action": ["cloudformation:CreateChangeSet"],
            "Resource": tenants,
            "Condition": {
                "StringEquals": {"cloudformation:RoleArn": execution_role_arn},
                "StringLike": {"cloudformation:TemplateUrl": f"{bucket_url}/templates/*"},
            },
        },
        allow_to([f"cloudformation:{one}" for one in ("DeleteChangeSet", "ExecuteChangeSet")], tenants),
        # A change set gives its stack new tags, and takes former ones; both are tagged.
        {
            "Effect": "Allow",
            "Action": ["cloudformation:TagResource", "cloudformation:UntagResource"],
            "Resource": [tenants, f"{change_sets_arn}{CHANGE_SETS}*"],
            "Condition": {"StringEquals": {"cloudformation:CreateAction": ["CreateChangeSet", "ExecuteChangeSet"]}},
        },
        {
            "Effect": "Allow",
            "Action": ["cloudformation:DeleteStack"],
            "Resource": tenants,
            "Condition": {"StringEquals": {"cloudformation:RoleArn": execution_role_arn}},
        },
        {
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": execution_role_arn,
            "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        },
        allow_to(["lambda:InvokeFunction"], synthesis_arn),
        allow_to(["lambda:InvokeFunction"], books_arn),
        {
            "Effect": "Allow",
            "Action": ["events:PutEvents"],
            "Resource": bus_arn,
            "Condition": {"ForAllValues:StringEquals": {"events:source": "email-subdomains"}},
        },
        # Identities have customers' domains as names, and zones have ids; neither is known at synthesis.
        allow_to(["ses:GetEmailIdentity"], f"arn:{partition}:ses:*:*:identity/*"),
        allow_to(["route53:DeleteHostedZone"], f"arn:{partition}:route53:::hostedzone/*"),
    ]


def execution(
    *, arn: Callable[[str, str], str], partition: str, account: str, registry_path: str, boundary_arn: str
) -> list[dict[str, Any]]:
    """CloudFormation's permissions for tenants' templates: resources that are named after a tenant's stack.

    Args:
        arn: makes an ARN of this account and region from a service and a resource.
        partition: of AWS.
        account: its id.
        registry_path: prefix of the names of tenants' entries.
        boundary_arn: permissions boundary that each new role must have.

    Source: CloudFormation user guide, "AWS CloudFormation service role"; IAM user guide, "Permissions boundaries for IAM entities".
    """
    named = f"{TENANT_STACKS}*"
    roles = f"arn:{partition}:iam::{account}:role/{named}"
    bound = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}}
    making = [
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
    ]
    keeping = [
        "iam:DeleteRole",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
    ]
    # The calls of CloudFormation's handlers change with their releases: so the resources are narrow, and the actions are not.
    return [
        allow_to(["dynamodb:*"], arn("dynamodb", f"table/{named}")),
        allow_to(["lambda:*"], arn("lambda", f"function:{named}")),
        # Mappings have generated ids; their functions have known names.
        {
            "Effect": "Allow",
            "Action": [
                "lambda:CreateEventSourceMapping",
                "lambda:DeleteEventSourceMapping",
                "lambda:UpdateEventSourceMapping",
            ],
            "Resource": "*",
            "Condition": {"ArnLike": {"lambda:FunctionArn": arn("lambda", f"function:{named}")}},
        },
        allow_to(
            ["lambda:GetEventSourceMapping", "lambda:ListTags", "lambda:TagResource"],
            arn("lambda", "event-source-mapping:*"),
        ),
        allow_to(["sqs:*"], arn("sqs", named)),
        allow_to(["sns:*"], arn("sns", named)),
        allow_to(["logs:*"], arn("logs", f"log-group:{named}")),
        allow_to(["cloudwatch:*"], arn("cloudwatch", f"alarm:{named}")),
        allow_to(["s3:*"], f"arn:{partition}:s3:::{TENANT_STACKS.lower()}*"),
        allow_to(["ssm:*"], arn("ssm", f"parameter{registry_path}*")),
        allow_to(["ssm:GetParameters"], arn("ssm", "parameter/cdk-bootstrap/*")),
        # A release publishes its code in the CDK's own bucket.
        allow_to(["s3:GetObject"], f"arn:{partition}:s3:::cdk-hnb659fds-assets-*"),
        {"Effect": "Allow", "Action": making, "Resource": roles, "Condition": bound},
        allow_to(keeping, roles),
        {
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        },
        # SES and Route 53 resources have customers' domains or ids as names, and actions on receipt rules have no resource.
        allow_to([*_SES, *_ROUTE53], "*"),
    ]


def use_of_key(key_arn: str) -> list[dict[str, Any]]:
    """CloudFormation's permissions on a key that encrypts tenants' tables.

    Source: DynamoDB developer guide, "DynamoDB encryption at rest: usage notes".
    """
    return [
        allow_to(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], key_arn),
        {
            "Effect": "Allow",
            "Action": ["kms:CreateGrant"],
            "Resource": key_arn,
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def boundary(*, arn: Callable[[str, str], str]) -> list[dict[str, Any]]:
    """Permissions boundary of the roles in tenants' stacks.

    Args:
        arn: as in `execution`.
    """
    named = f"{TENANT_STACKS}*"
    return [
        allow_to(["dynamodb:*"], arn("dynamodb", f"table/{named}")),
        allow_to(["sqs:*"], arn("sqs", named)),
        allow_to(["logs:CreateLogStream", "logs:PutLogEvents"], arn("logs", f"log-group:{named}")),
        allow_to(["events:PutEvents"], arn("events", "event-bus/default")),
        allow_to(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], f"arn:*:s3:::{TENANT_STACKS.lower()}*"),
        allow_to(["ses:GetAccount", "ses:SendEmail", "ses:SendRawEmail"], "*"),
        allow_to(["kms:Decrypt", "kms:GenerateDataKey"], arn("kms", "key/*")),
    ]


_SES: Final = (
    *(f"ses:{verb}ReceiptRule" for verb in ("Create", "Delete", "Describe", "Update")),
    *(f"ses:{verb}EmailIdentity" for verb in ("Create", "Delete", "Get")),
    *(f"ses:PutEmailIdentity{what}Attributes" for what in ("ConfigurationSet", "Dkim", "Feedback", "MailFrom")),
    *(f"ses:{verb}ConfigurationSet" for verb in ("Create", "Delete", "Get")),
    *(f"ses:{verb}ConfigurationSetEventDestination" for verb in ("Create", "Delete", "Update")),
    *(
        f"ses:PutConfigurationSet{what}Options"
        for what in ("Delivery", "Reputation", "Sending", "Suppression", "Tracking")
    ),
    *("ses:CreateTenant", "ses:DeleteTenant", "ses:GetTenant"),
    *(
        "ses:CreateTenantResourceAssociation",
        "ses:DeleteTenantResourceAssociation",
        "ses:GetConfigurationSetEventDestinations",
    ),
    *("ses:ListTagsForResource", "ses:TagResource", "ses:UntagResource"),
)
_ROUTE53: Final = (
    *(f"route53:{verb}HostedZone" for verb in ("Create", "Get")),
    *("route53:ChangeResourceRecordSets", "route53:ChangeTagsForResource", "route53:GetChange"),
    *("route53:ListResourceRecordSets", "route53:ListTagsForResource", "route53:ListHostedZonesByName"),
)
"""No permission to delete a zone: tenants' stacks retain theirs."""
