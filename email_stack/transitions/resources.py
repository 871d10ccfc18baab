"""The resources of a template that messages name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from constructs_lib.naming import REMOVAL_METADATA

__all__ = ["DATA", "Template", "keeps", "told"]

Template = Mapping[str, Any]
"""A CloudFormation template, from `GetTemplate` or from synthesis."""

_KINDS: Final = {
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::DynamoDB::Table": "table",
    "AWS::KMS::Key": "key",
    "AWS::Logs::LogGroup": "log group",
    "AWS::Route53::HostedZone": "hosted zone",
    "AWS::S3::Bucket": "bucket",
    "AWS::SES::EmailIdentity": "identity",
    "AWS::SES::ReceiptRule": "receipt rule",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
}
"""Resources that messages name; all others belong to these."""

DATA: Final = {"bucket", "hosted zone", "key", "table"}
"""Kinds with data that cannot be recreated."""

_KEEPING: Final = {"Retain", "RetainExceptOnCreate", "Snapshot"}


def told(template: Template) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Logical id, resource and kind of each named resource."""
    for logical_id, resource in template.get("Resources", {}).items():
        if (kind := _KINDS.get(resource["Type"])) is not None:
            yield logical_id, resource, kind


def keeps(resource: Mapping[str, Any]) -> bool:
    """Whether the resource outlives its stack. A zone that `destroy` deletes afterwards does not."""
    marked = resource.get("Metadata", {}).get(REMOVAL_METADATA) == "destroy"
    return resource.get("DeletionPolicy") in _KEEPING and not marked
