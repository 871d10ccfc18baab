"""Functions that deploy customers' settings: synthesis with two permissions, looks that deploy, and the daily check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.event_bus import allow_publishing_events
from constructs_lib.intrinsics import account_id, arn
from constructs_lib.keys import uses
from constructs_lib.naming import execution_role_name, registry_path
from constructs_lib.wildcards import explain_wildcards
from email_stack.stacks.control_functions import ControlFunction, ControlFunctionProps
from email_stack.stacks.control_roles import execution, looking, synthesizing, table_work, use_of_key
from mailroom.metric_names import FAILED_DEPLOYMENTS, NAMESPACE, OLDEST_RUN, REFUSED_TEMPLATES, SETTINGS

__all__ = ["TenantDeployer", "TenantDeployerProps"]

_MEMORY_MIB: Final = 512
_SYNTHESIS_MEMORY_MIB: Final = 3008
"""Node and Python, each with the CDK. A new account allows no more. Source: Lambda developer guide, "Lambda quotas"."""
_SYNTHESIS_STORAGE_MIB: Final = 2048
_SYNTHESIS_SECONDS: Final = 320
"""A little less than a look waits for it."""
_LONGEST_SECONDS: Final = 900
_LATE_SECONDS: Final = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantDeployerProps:
    """Props of `TenantDeployer`.

    Args:
        cell: id of the cell.
        region: of the cell.
        table_name: of the table of settings; likewise `table_arn`.
        shelf: bucket of snapshots and templates.
        books_arn: function that writes to tenants' tables.
        boundary_arn: permissions boundary of tenants' roles.
        assets: hashes of the code that tenants' functions may run.
        functions: image of looks and checks.
        synthesis: image of synthesis.
        alarm_topic: receives the alarms.
        encryption_key: of table, shelf, log groups, and tenants' resources. Default: None, AWS's own.
    """

    cell: str
    region: str
    table_name: str
    table_arn: str
    shelf: s3.Bucket
    books_arn: str
    boundary_arn: str
    assets: Sequence[str]
    functions: ecr_assets.DockerImageAsset
    synthesis: ecr_assets.DockerImageAsset
    alarm_topic: sns.ITopic
    encryption_key: kms.IKey | None = None


class TenantDeployer(Construct):
    """Deploys the wanted stack of each domain.

    Creates 3 functions with roles and log groups (synthesis, looks each minute, checks each day), 2 rules, CloudFormation's role
    for tenants' stacks with 2 policies, and 6 alarms: one for each function, and for deployments that failed, were refused, or have
    been due for 15 minutes. Holds no state: table and shelf have it.

    Source: docs/decisions/0070, 0073, 0077.
    """

    def __init__(self, scope: Construct, id: str, props: TenantDeployerProps) -> None:
        super().__init__(scope, id)
        self._props = props
        self._key = key = props.encryption_key
        self._bucket_arn: str = props.shelf.bucket_arn
        self.execution_role = self._execution_role()
        # The release of a template: the image holds the project and the platform's part of the config.
        release = props.synthesis.asset_hash[:16]
        shared = {"CELL": props.cell, "RELEASE": release, "SHELF_BUCKET": props.shelf.bucket_name}
        table = {"SETTINGS_TABLE": props.table_name}
        self.synthesis = self._function(
            "Synthesis",
            image=props.synthesis,
            environment=shared,
            statements=[*synthesizing(self._bucket_arn), *uses(key, "s3")],
            memory_mib=_SYNTHESIS_MEMORY_MIB,
            storage_mib=_SYNTHESIS_STORAGE_MIB,
            timeout_seconds=_SYNTHESIS_SECONDS,
        )
        self.looks = self._function(
            "Look",
            image=props.functions,
            environment={
                **shared,
                **table,
                "ASSETS": " ".join(props.assets),
                "BOOKS_FUNCTION": props.books_arn,
                "EXECUTION_ROLE_ARN": self.execution_role.attr_arn,
                "SYNTHESIS_FUNCTION": self.synthesis.function.ref,
            },
            statements=self._look_statements(),
        )
        self.checks = self._function(
            "Check",
            image=props.functions,
            environment=table,
            statements=[*table_work(props.table_arn), *uses(key, "dynamodb"), allow_publishing_events()],
        )
        self.looks.each("1 minute", "Checks customers' domains for due deployments")
        self.checks.each("1 day", "Checks the DNS of customers' domains")
        self._explain()
        self._watch()

    def _function(
        self,
        id: str,
        *,
        image: ecr_assets.DockerImageAsset,
        environment: Mapping[str, str],
        statements: Sequence[Mapping[str, Any]],
        memory_mib: int = _MEMORY_MIB,
        storage_mib: int = 512,
        timeout_seconds: int = _LONGEST_SECONDS,
    ) -> ControlFunction:
        handler, what, fails = _DOES[id]
        return ControlFunction(
            self,
            id,
            ControlFunctionProps(
                description=what,
                image=image,
                handler=handler,
                environment=environment,
                statements=statements,
                failing_description=fails,
                timeout_seconds=timeout_seconds,
                memory_mib=memory_mib,
                storage_mib=storage_mib,
                alarm_topic=self._props.alarm_topic,
                encryption_key=self._key,
            ),
        )

    def _look_statements(self) -> list[dict[str, Any]]:
        props = self._props
        # The path-style URL of boto3.
        host = "s3" if props.region == "us-east-1" else f"s3.{props.region}"
        return [
            *table_work(props.table_arn),
            *uses(self._key, "s3", "dynamodb"),
            *looking(
                bucket_arn=self._bucket_arn,
                bucket_url=f"https://{host}.{cdk.Aws.URL_SUFFIX}/{props.shelf.bucket_name}",
                stacks_arn=arn("cloudformation", "stack/"),
                change_sets_arn=arn("cloudformation", "changeSet/"),
                execution_role_arn=self.execution_role.attr_arn,
                synthesis_arn=self.synthesis.function.attr_arn,
                books_arn=props.books_arn,
                bus_arn=arn("events", "event-bus/default"),
                partition=cdk.Aws.PARTITION,
            ),
        ]

    def _execution_role(self) -> iam.CfnRole:
        props = self._props
        statements = [
            *execution(
                arn=arn,
                partition=cdk.Aws.PARTITION,
                account=account_id(),
                registry_path=registry_path(props.cell),
                boundary_arn=props.boundary_arn,
            ),
            *(use_of_key(self._key.key_arn) if self._key is not None else []),
        ]
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudformation.amazonaws.com"},
            "Action": "sts:AssumeRole",
            # For stacks of this account only. Source: IAM user guide, "The confused deputy problem".
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id()}},
        }
        role = iam.CfnRole(
            self,
            "Execution",
            role_name=execution_role_name(props.cell),
            assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
        )
        # A role's own policies hold 10,240 characters together, a managed one 6,144: each half has one.
        middle = len(statements) // 2
        for name, part in (("Own", statements[:middle]), ("Named", statements[middle:])):
            policy = iam.CfnManagedPolicy(
                self,
                f"Execution{name}",
                policy_document={"Version": "2012-10-17", "Statement": part},
                roles=[role.ref],
            )
            explain_wildcards(
                policy, part, "named after tenants' stacks, or of services that name no resource before it is made"
            )
        return role

    def _explain(self) -> None:
        """Give cdk-nag the reasons of wildcards in statements."""
        explain_wildcards(
            self.looks.role, self._look_statements(), "tenants' stacks, and what is on the shelf, have generated names"
        )
        explain_wildcards(self.synthesis.role, synthesizing(self._bucket_arn), "keys are made of tenants and revisions")

    def _watch(self) -> None:
        for name, metric, statistic, above, description in _WATCHED:
            threshold = Threshold(
                namespace=NAMESPACE,
                metric=metric,
                dimension=(SETTINGS, self._props.table_name),
                statistic=statistic,
                above=above,
                description=description,
                silence_alarms=metric == OLDEST_RUN,
            )
            add_alarm(self, name, threshold, self._props.alarm_topic)


_DOES: Final = {
    "Synthesis": (
        "email_stack.deploying.functions.on_synthesis",
        "Makes templates of customers' settings",
        "A template of a customer's settings could not be made: see the function's log.",
    ),
    "Look": (
        "email_stack.deploying.functions.on_look",
        "Deploys customers' domains",
        "A look at customers' settings failed: see the function's log. It looks again each minute.",
    ),
    "Check": (
        "email_stack.deploying.functions.on_check",
        "Checks the DNS of customers' domains",
        "The DNS of some customers' domains could not be checked: see the function's log. It checks again tomorrow.",
    ),
}
_WATCHED: Final = (
    (
        "DeploymentFailed",
        FAILED_DEPLOYMENTS,
        "Sum",
        0,
        "A deployment of a customer's settings failed, and was rolled back: `email-stack settings show` says why.",
    ),
    (
        "TemplateRefused",
        REFUSED_TEMPLATES,
        "Sum",
        0,
        "A tenant's template had a resource or a right that is not allowed, and was not deployed: see the log of looks.",
    ),
    (
        "DeploymentLate",
        OLDEST_RUN,
        "Maximum",
        _LATE_SECONDS,
        "A customer's settings wait for deployment for 15 minutes, or no look ran: `email-stack settings show` names them.",
    ),
)
