"""The active receipt rule set of an account and region."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ses as ses
from constructs import Construct

from constructs_lib import rules
from constructs_lib.bundle import bundle
from constructs_lib.checks import Rule, check_props, optional
from constructs_lib.environments import claim
from constructs_lib.faults import shown
from constructs_lib.flags import bring_flags
from constructs_lib.keys import grant_logs_use

__all__ = ["ActiveReceiptRuleSet"]

_ENTRY: Final = "mailroom.functions.rule_set_activation"
_RULES: Final[dict[str, Rule]] = {"rule_set_name": rules.RULE_SET_NAME, "encryption_key": optional(rules.KEY)}


class ActiveReceiptRuleSet(Construct):
    """A receipt rule set, activated unless a foreign one is active.

    Creates 1 rule set and 1 custom resource that activates it, with its function, role and log group. If another set is active, the
    deployment fails and that set stays. On removal it deactivates its own set only.

    `rule_set_name` is a reference to the set: resources that use it, also of another stack, are created after the set and deleted
    before it.

    Args:
        rule_set_name: at most 64 of letters, digits, hyphen, underscore; permanent.
        encryption_key: key of the log group. Default: None, CloudWatch's encryption.

    Raises:
        ValueError: `rule_set_name` is not valid in SES, or the app has another rule set for that account and region.

    Source: SES API reference, "CreateReceiptRuleSet" and "SetActiveReceiptRuleSet".
    """

    def __init__(
        self, scope: Construct, id: str, *, rule_set_name: str, encryption_key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, id)
        bring_flags(self)
        check_props(self, "receipt rule set", _RULES, rule_set_name=rule_set_name, encryption_key=encryption_key)
        claim(
            self,
            f"receipt rule set {shown(rule_set_name)}",
            "rule_set_name",
            rule_set_name,
            shared="active",  # one rule set, of any name
            holds="active receipt rule set",
            remedy="pass the name of that one to the inboxes",
        )
        rule_set = ses.CfnReceiptRuleSet(self, "RuleSet", rule_set_name=rule_set_name)
        # By this reference each rule is made after the set, and deleted before it.
        self.rule_set_name: str = rule_set.ref

        activator = self._activator(encryption_key)
        activation = cdk.CustomResource(
            self,
            "Activation",
            resource_type="Custom::ActiveReceiptRuleSet",
            service_token=activator.function_arn,
            # Above the function's own time-out, far below CloudFormation's hour.
            service_timeout=cdk.Duration.minutes(5),
            properties={"RuleSetName": rule_set_name},
        )
        # The role needs its rights at creation and deletion, and the rule set is deleted after its deactivation.
        activation.node.add_dependency(rule_set, activator.role)

    def _activator(self, key: kms.IKey | None) -> lambda_.Function:
        grant_logs_use(key)
        log_group = logs.LogGroup(
            self,
            "Logs",
            encryption_key=key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["ses:DescribeActiveReceiptRuleSet", "ses:SetActiveReceiptRuleSet"],
                resources=["*"],
            )
        )
        cdk.Validations.of(role).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="neither action can be limited to a resource (service authorization reference, Amazon SES)",
            )
        )
        return lambda_.Function(
            self,
            "Activator",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            # Lambda's own boto3 suffices, because these calls are as old as SES.
            code=lambda_.Code.from_asset(str(bundle(_ENTRY, libraries=False))),
            handler=f"{_ENTRY}.on_event",
            role=role,
            log_group=log_group,
            timeout=cdk.Duration.minutes(2),
            memory_size=256,
            description="Activates the receipt rule set of this cell",
        )
