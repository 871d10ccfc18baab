"""AttachmentScanner on a bucket of any files."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match

from constructs_lib import AttachmentScanner, AttachmentScannerProps, SignatureMirror
from mailroom.scanning.verdicts import Action, Policy
from tests.constructs_lib.test_scanning import statements_of
from tests.templates import new_stack, resources, template_of


def any_bucket(**settings: Any) -> tuple[cdk.Stack, s3.Bucket, AttachmentScanner, sns.Topic]:
    """A bucket of a platform engineer's own, and a scanner."""
    stack = new_stack()
    mirror = SignatureMirror(stack, "Definitions")
    scanner = AttachmentScanner(stack, "Scanner", AttachmentScannerProps(definitions=mirror.bucket))
    return stack, s3.Bucket(stack, "Uploads", **settings), scanner, sns.Topic(stack, "Detections")


def test_any_bucket_can_be_scanned() -> None:
    """Its policy guards it as an inbox's does, its tags say whose it is, and its arrivals come to the queue."""
    stack, bucket, scanner, topic = any_bucket(versioned=True)
    scanner.scan(bucket, name="uploads", alerts=topic, policy=Policy(infected=Action.DELETE))
    template = template_of(stack)
    (policy,) = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for resource in resources(template, "AWS::S3::BucketPolicy").values()
        if resource["Properties"]["Bucket"]["Ref"].startswith("Uploads")
    ]
    assert {"DenyReadingQuarantine", "DenyDelivering", "LetScannerTakeMail"} <= {one.get("Sid") for one in policy}
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "Tags": Match.array_with(
                [
                    {"Key": "mail-scanning:objects", "Value": "files"},
                    {
                        "Key": "mail-scanning:policy",
                        "Value": "clean=deliver infected=delete encrypted=hold over-limit=hold",
                    },
                    {"Key": "mail-scanning:tenant", "Value": "uploads"},
                ]
            )
        },
    )
    template.has_resource_properties(
        "Custom::S3BucketNotifications",
        {"NotificationConfiguration": {"QueueConfigurations": [Match.object_like({"Events": ["s3:ObjectCreated:*"]})]}},
    )
    publishing = [s for s in statements_of(template, "ScannerRole") if s["Action"] == "sns:Publish"]
    assert len(publishing) == 1


def test_bucket_without_versions_is_refused() -> None:
    """What is deleted would not surely be what was scanned."""
    _stack, bucket, scanner, topic = any_bucket()
    with pytest.raises(ValueError, match='bucket "Stack/Uploads" must be versioned'):
        scanner.scan(bucket, name="uploads", alerts=topic)
