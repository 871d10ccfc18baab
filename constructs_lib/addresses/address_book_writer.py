"""Tenants' address books, written to their tables by each deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.bundle import bundle
from constructs_lib.checks import Rule, check_props, optional
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.keys import arn_of, grant_logs_use, uses
from constructs_lib.roles import role_for_sessions, service_role
from constructs_lib.statements import allow_to
from constructs_lib.wildcards import explain_wildcard
from mailroom.address_books.tag import TAG

__all__ = ["AddressBookWriter", "AddressBookWriterProps"]

_ENTRY: Final = "mailroom.functions.address_books"
_AGAIN: Final = "rate(6 hours)"
_SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_TIMEOUT_SECONDS: Final = 900
_MEMORY_MIB: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressBookWriterProps:
    """Props of `AddressBookWriter`.

    Args:
        registry_path: prefix of the names of tenants' entries, with a slash at both ends.
        stack_prefix: prefix of the names of the tenants' stacks.
        alarm_topic: receives the alarm when a book cannot be written. Default: None, no actions.
        encryption_key: key of the log group; the role may also use it for tenants' tables. Default: None, CloudWatch's encryption.
    """

    registry_path: str
    stack_prefix: str
    alarm_topic: sns.ITopic | None = None
    encryption_key: kms.IKey | None = None


class AddressBookWriter(Construct):
    """Writes each tenant's address book as one item of its table; applications read it with `MessageReader.address_book`.

    One per account and region. Creates 1 function (zip of plain Python, see `bundle`) with role and log group (kept for a year), 1
    rule that starts it when a stack was deployed and every six hours, 1 role that the function assumes for one tenant at a time,
    and 1 alarm. The template does not depend on the tenants. CloudFormation cannot write an item, and a tenant's stack has no
    custom resource, so a failure here cannot fail or delay a deployment.

    The function reads the stacks with that prefix, the metadata of their templates, and tenants' entries (`TenantEntry`). It
    assumes the role with the stack's id as session tag. The role has no right to any table: each tenant's table admits it for the
    id of its own stack, to write the one item.

    Raises:
        ValueError: a text holds `{{` or a `${` that is no token (`check_texts`).

    Source: CloudFormation user guide, "Managing events with CloudFormation and Amazon EventBridge"; CloudFormation API reference,
    DescribeStackResource.
    """

    def __init__(self, scope: Construct, id: str, props: AddressBookWriterProps) -> None:
        super().__init__(scope, id)
        check_props(self, "address books", _RULES, props)
        stacks = arn("cloudformation", f"stack/{props.stack_prefix}")
        function = self._function(props, stacks)
        self.function_arn: str = function.attr_arn
        rule = events.CfnRule(
            self,
            "Rule",
            description="Writes address books after each deployment of a tenant",
            event_pattern={
                "source": ["aws.cloudformation"],
                "account": [account_id()],
                "detail-type": ["CloudFormation Stack Status Change"],
                "detail": {"stack-id": [{"prefix": stacks}], "status-details": {"status": list(_SETTLED)}},
            },
            # CloudFormation's events are best effort.
            schedule_expression=_AGAIN,
            targets=[events.CfnRule.TargetProperty(id="Writing", arn=function.attr_arn)],
        )
        lambda_.CfnPermission(
            self,
            "LetRuleCall",
            action="lambda:InvokeFunction",
            function_name=function.ref,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        failing = Threshold(
            namespace="AWS/Lambda",
            metric="Errors",
            dimension=("FunctionName", function.ref),
            statistic="Sum",
            above=0,
            description="A tenant's address book could not be written: see the log of the function, "
            "which tries again every six hours.",
        )
        add_alarm(self, "Failing", failing, props.alarm_topic)

    def _function(self, props: AddressBookWriterProps, stacks: str) -> lambda_.CfnFunction:
        key = props.encryption_key
        grant_logs_use(key)
        log_group = logs.CfnLogGroup(self, "Logs", retention_in_days=365, kms_key_id=arn_of(key))
        log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        path = props.registry_path
        entries = arn("ssm", f"parameter{path}*")
        statements: list[dict[str, Any]] = [
            allow_to(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.attr_arn),
            allow_to(["cloudformation:DescribeStackResource", "cloudformation:ListStackResources"], f"{stacks}*"),
            {
                "Effect": "Allow",
                "Action": ["ssm:GetParameter", "ssm:GetParametersByPath"],
                # The path in a request has no slash at its end.
                "Resource": [entries, arn("ssm", f"parameter{path.rstrip('/')}")],
            },
        ]
        role = service_role(self, "Role", "lambda.amazonaws.com", statements)
        explain_wildcard(role, f"{stacks}*", "tenants' stacks have their prefix, and the cell does not know them")
        explain_wildcard(role, entries, "one entry a tenant, and the cell does not know them")
        tables = role_for_sessions(self, "Tables", role, uses(key, "dynamodb"), tag=TAG)
        self.role_arn: str = tables.attr_arn
        code = assets.Asset(self, "Code", path=str(bundle(_ENTRY)))
        return lambda_.CfnFunction(
            self,
            "Function",
            description="Writes tenants' address books",
            runtime="python3.14",
            architectures=["arm64"],
            handler=f"{_ENTRY}.on_event",
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            role=role.attr_arn,
            timeout=_TIMEOUT_SECONDS,
            memory_size=_MEMORY_MIB,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
            environment=lambda_.CfnFunction.EnvironmentProperty(
                variables={"REGISTRY_PATH": path, "TABLES_ROLE_ARN": self.role_arn}
            ),
        )


_RULES: Final[dict[str, Rule]] = {
    "registry_path": rules.REGISTRY_PATH,
    "stack_prefix": rules.STACK_PREFIX,
    "alarm_topic": optional(rules.TOPIC),
    "encryption_key": optional(rules.KEY),
}
