"""A function of the settings API: an image of this project with a role, a log group, and an alarm on failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.keys import arn_of
from constructs_lib.roles import service_role
from constructs_lib.statements import allow_to
from email_stack.stacks.control_code import DOCKERFILE

__all__ = ["ControlFunction", "ControlFunctionProps", "image_of", "log_group_of"]

_LOG_DAYS: Final = 365


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlFunctionProps:
    """Props of `ControlFunction`.

    Args:
        description: its purpose.
        image: its code.
        handler: such as "email_stack.settings.function.handler".
        environment: its settings.
        statements: its permissions besides its log.
        failing_description: description of the alarm on failed invocations.
        timeout_seconds: of one invocation.
        memory_mib: its memory.
        storage_mib: of /tmp. Default: 512, Lambda's default.
        alarm_topic: receives the alarm.
        encryption_key: of the log group. Default: None, CloudWatch's own.
    """

    description: str
    image: ecr_assets.DockerImageAsset
    handler: str
    environment: Mapping[str, str]
    statements: Sequence[Mapping[str, Any]]
    failing_description: str
    timeout_seconds: int
    memory_mib: int
    alarm_topic: sns.ITopic
    storage_mib: int = 512
    encryption_key: kms.IKey | None = None


class ControlFunction(Construct):
    """Creates 1 function with role and log group (kept for a year), and 1 alarm. Holds no state."""

    def __init__(self, scope: Construct, id: str, props: ControlFunctionProps) -> None:
        super().__init__(scope, id)
        log_group = log_group_of(self, "Logs", props.encryption_key)
        self.role = service_role(
            self,
            "Role",
            "lambda.amazonaws.com",
            [allow_to(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.attr_arn), *props.statements],
        )
        self.function = lambda_.CfnFunction(
            self,
            "Function",
            description=props.description,
            package_type="Image",
            architectures=["x86_64"],
            code=lambda_.CfnFunction.CodeProperty(image_uri=props.image.image_uri),
            image_config=lambda_.CfnFunction.ImageConfigProperty(command=[props.handler]),
            role=self.role.attr_arn,
            timeout=props.timeout_seconds,
            memory_size=props.memory_mib,
            ephemeral_storage=lambda_.CfnFunction.EphemeralStorageProperty(size=props.storage_mib),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(props.environment)),
        )
        failing = Threshold(
            namespace="AWS/Lambda",
            metric="Errors",
            dimension=("FunctionName", self.function.ref),
            statistic="Sum",
            above=0,
            description=props.failing_description,
        )
        add_alarm(self, "Failing", failing, props.alarm_topic)

    def each(self, rate: str, description: str) -> None:
        """Schedule the function by one EventBridge rule. An event that is not taken within 60 seconds is dropped."""
        rule = events.CfnRule(
            self,
            "Schedule",
            description=description,
            schedule_expression=f"rate({rate})",
            targets=[
                events.CfnRule.TargetProperty(
                    id="Function",
                    arn=self.function.attr_arn,
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=60, maximum_retry_attempts=0
                    ),
                )
            ],
        )
        lambda_.CfnPermission(
            self,
            "LetRuleCall",
            action="lambda:InvokeFunction",
            function_name=self.function.ref,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        # The next scheduled run is the next attempt.
        lambda_.CfnEventInvokeConfig(
            self,
            "NoRetries",
            function_name=self.function.ref,
            qualifier="$LATEST",
            maximum_retry_attempts=0,
            maximum_event_age_in_seconds=60,
        )


def image_of(
    scope: Construct, id: str, context: Path, target: Literal["functions", "synthesis"]
) -> ecr_assets.DockerImageAsset:
    """One of the folder's images, for x86-64; it is built at deployment, never at synthesis."""
    return ecr_assets.DockerImageAsset(
        scope,
        id,
        directory=str(context),
        file=DOCKERFILE,
        target=target,
        platform=ecr_assets.Platform.LINUX_AMD64,
    )


def log_group_of(scope: Construct, id: str, key: kms.IKey | None) -> logs.CfnLogGroup:
    """A log group that keeps logs for a year and is deleted with its stack."""
    group = logs.CfnLogGroup(scope, id, retention_in_days=_LOG_DAYS, kms_key_id=arn_of(key))
    group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    return group
