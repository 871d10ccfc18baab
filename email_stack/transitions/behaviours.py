"""Create-only properties: with another value, CloudFormation makes a new resource, and then deletes or leaves the old one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CREATE_ONLY", "create_only_values"]

CREATE_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ApiGatewayV2::Api": ("ProtocolType",),
    "AWS::ApiGatewayV2::ApiMapping": ("DomainName",),
    "AWS::ApiGatewayV2::Authorizer": ("ApiId",),
    "AWS::ApiGatewayV2::DomainName": ("DomainName",),
    "AWS::ApiGatewayV2::Integration": ("ApiId",),
    "AWS::ApiGatewayV2::Route": ("ApiId",),
    "AWS::ApiGatewayV2::Stage": ("ApiId", "StageName"),
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::DynamoDB::Table": ("ImportSourceSpecification", "KeySchema", "TableName"),
    "AWS::Events::Rule": ("EventBusName", "Name"),
    "AWS::IAM::ManagedPolicy": ("Description", "ManagedPolicyName", "Path"),
    "AWS::IAM::Policy": (),
    "AWS::IAM::Role": ("Path", "RoleName"),
    "AWS::KMS::Key": (),
    "AWS::Lambda::EventInvokeConfig": ("FunctionName", "Qualifier"),
    "AWS::Lambda::EventSourceMapping": (
        "EventSourceArn",
        "SelfManagedEventSource",
        "StartingPosition",
        "StartingPositionTimestamp",
    ),
    "AWS::Lambda::Function": ("DurableConfig", "FunctionName", "PackageType", "TenancyConfig"),
    "AWS::Lambda::Permission": (
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "InvokedViaFunctionUrl",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    ),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::Route53::HostedZone": ("DelegationSetId", "Name"),
    # `Name` by the user guide; the schema of this old type lacks it.
    "AWS::Route53::RecordSet": ("HostedZoneId", "HostedZoneName", "Name"),
    "AWS::Route53::RecordSetGroup": ("HostedZoneId", "HostedZoneName"),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SES::ConfigurationSet": ("Name",),
    "AWS::SES::ConfigurationSetEventDestination": ("ConfigurationSetName", "EventDestination/Name"),
    "AWS::SES::EmailIdentity": ("EmailIdentity",),
    "AWS::SES::ReceiptRule": ("Rule/Name", "RuleSetName"),
    "AWS::SES::ReceiptRuleSet": ("RuleSetName",),
    "AWS::SES::Tenant": ("TenantName",),
    "AWS::SNS::Subscription": ("Endpoint", "Protocol", "Region", "TopicArn"),
    "AWS::SNS::Topic": ("FifoTopic", "TopicName"),
    "AWS::SNS::TopicPolicy": (),
    "AWS::SQS::Queue": ("FifoQueue", "QueueName"),
    "AWS::SQS::QueuePolicy": (),
    "AWS::SSM::Parameter": ("Name",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "StateMachineType"),
    "Custom::ActiveReceiptRuleSet": ("ServiceToken",),
    "Custom::CrossAccountZoneDelegation": ("ServiceToken",),
}
"""All types in the stacks, with the paths of their create-only properties, conditional or not.

Source: CloudFormation's resource schemas, `createOnlyProperties` and `conditionalCreateOnlyProperties`; a test compares.
"""


def create_only_values(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The create-only values of a resource, by path; none for an unlisted type."""
    found: dict[str, Any] = {}
    for path in CREATE_ONLY.get(resource["Type"], ()):
        value: Any = resource.get("Properties", {})
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            found[path] = value
    return found
