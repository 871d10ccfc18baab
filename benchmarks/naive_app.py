"""The same tenants as a plain CDK Python app: L2 constructs, as the CDK's documentation shows them.

Reads a JSON list of cells and tenants from the path in TENANTS_JSON. It is what the platform is measured against.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm


class Cell(cdk.Stack):
    """What tenants of a region share."""

    def __init__(self, app: cdk.App, cell: dict[str, Any], handler: str) -> None:
        super().__init__(app, f"Cell-{cell['id']}", env=cdk.Environment(region=cell["region"]))
        self.key = kms.Key(self, "AlertsKey", enable_key_rotation=True)
        self.logs = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        self.rule_set = ses.ReceiptRuleSet(self, "RuleSet", receipt_rule_set_name=f"email-cell-{cell['id']}")
        activator = lambda_.Function(
            self,
            "Activator",
            runtime=lambda_.Runtime.PYTHON_3_14,
            code=lambda_.Code.from_asset(handler),
            handler="handler.on_event",
        )
        activator.add_to_role_policy(
            iam.PolicyStatement(
                actions=["ses:SetActiveReceiptRuleSet", "ses:DescribeActiveReceiptRuleSet"], resources=["*"]
            )
        )
        cdk.CustomResource(self, "Activation", service_token=activator.function_arn)
        noting, queue = _worker(self, "Noting", "mailroom.functions.tracking.on_event")
        fields = ["$.detail.eventType", "$.detail.mail.messageId", "$.detail.mail.timestamp", "$.detail.click.link"]
        text = "|".join(events.EventField.from_path(field) for field in fields)
        events.Rule(
            self,
            "Tracking",
            event_pattern=events.EventPattern(source=["aws.ses"]),
            targets=[targets.SqsQueue(queue, message=events.RuleTargetInput.from_text(text))],
        )
        writing = _function(self, "Writing", "mailroom.functions.address_books.on_event")
        events.Rule(
            self,
            "Addresses",
            event_pattern=events.EventPattern(source=["aws.cloudformation"]),
            targets=[targets.LambdaFunction(writing)],
        )
        events.Rule(
            self,
            "Again",
            schedule=events.Schedule.rate(cdk.Duration.hours(6)),
            targets=[targets.LambdaFunction(writing)],
        )
        _alarm(self, "Failing", writing.metric_errors(), 0)
        for function in (noting, writing):
            tables = iam.Role(
                self, f"{function.node.id}Tables", assumed_by=iam.SessionTagsPrincipal(function.grant_principal)
            )
            tables.grant_assume_role(function.grant_principal)


class Tenant(cdk.Stack):
    """Everything of one tenant."""

    def __init__(self, app: cdk.App, tenant: dict[str, Any], cell: Cell, cell_id: str) -> None:
        super().__init__(app, f"Tenant-{tenant['id']}", env=cdk.Environment(region=cell.region))
        domain = tenant["subdomain"]
        zone = route53.PublicHostedZone(self, "Zone", zone_name=domain)
        configuration_set = ses.ConfigurationSet(
            self, "ConfigurationSet", tls_policy=ses.ConfigurationSetTlsPolicy.REQUIRE, reputation_metrics=True
        )
        identity = ses.EmailIdentity(
            self,
            "Identity",
            identity=ses.Identity.public_hosted_zone(zone),
            mail_from_domain=f"mail.{domain}",
            configuration_set=configuration_set,
            feedback_forwarding=False,
        )
        route53.MxRecord(
            self,
            "Mx",
            zone=zone,
            values=[route53.MxRecordValue(host_name=f"inbound-smtp.{self.region}.amazonaws.com", priority=10)],
        )
        route53.TxtRecord(self, "Spf", zone=zone, values=["v=spf1 include:amazonses.com ~all"])
        route53.TxtRecord(
            self,
            "Dmarc",
            zone=zone,
            record_name=f"_dmarc.{domain}.",
            values=[f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"],
        )
        ses.CfnTenant(
            self,
            "Tenant",
            tenant_name=tenant["id"],
            resource_associations=[
                ses.CfnTenant.ResourceAssociationProperty(resource_arn=identity.email_identity_arn),
                ses.CfnTenant.ResourceAssociationProperty(
                    resource_arn=self.format_arn(
                        service="ses",
                        resource="configuration-set",
                        resource_name=configuration_set.configuration_set_name,
                    )
                ),
            ],
        )
        bucket = s3.Bucket(
            self,
            "Inbox",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(prefix="raw/", expiration=cdk.Duration.days(90)),
                s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(90)),
            ],
            server_access_logs_bucket=cell.logs,
            server_access_logs_prefix=f"{tenant['id']}/",
        )
        rule_set = ses.ReceiptRuleSet.from_receipt_rule_set_name(self, "RuleSet", f"email-cell-{cell_id}")
        rule_set.add_rule(
            "Rule",
            receipt_rule_name=f"{tenant['id']}-0",
            recipients=[f"{local_part}@{domain}" for local_part in [*tenant["addresses"], "postmaster", "abuse"]],
            scan_enabled=True,
            tls_policy=ses.TlsPolicy.REQUIRE,
            actions=[actions.S3(bucket=bucket, object_key_prefix="raw/")],
        )
        topic = sns.Topic(self, "Alerts", master_key=cell.key, enforce_ssl=True)
        table = self._table()
        filing, _queue = _worker(self, "Filing", "mailroom.functions.ingest.on_event", TABLE_NAME=table.table_name)
        table.grant_read_write_data(filing)
        filing.add_to_role_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail", "ses:SendRawEmail"],
                resources=[identity.email_identity_arn],
                conditions={"StringEquals": {"ses:FromAddress": [f"{one}@{domain}" for one in tenant["addresses"]]}},
            )
        )
        configuration_set.add_event_destination(
            "Events",
            destination=ses.EventDestination.event_bus(events.EventBus.from_event_bus_name(self, "Bus", "default")),
        )
        ssm.StringParameter(
            self,
            "Entry",
            parameter_name=f"/sets/{configuration_set.configuration_set_name}",
            simple_name=False,
            string_value=json.dumps({"table": table.table_name, "addresses": tenant["addresses"]}),
        )
        outputs = {
            "BucketName": bucket.bucket_name,
            "IdentityArn": identity.email_identity_arn,
            "ConfigurationSetName": configuration_set.configuration_set_name,
            "SesTenantName": tenant["id"],
            "MailFromDomain": f"mail.{domain}",
            "AlertsTopicArn": topic.topic_arn,
            "ReceiptRuleNames": f"{tenant['id']}-0",
            "HostedZoneId": zone.hosted_zone_id,
            "NameServers": cdk.Fn.join(", ", zone.hosted_zone_name_servers or []),
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)

    def _table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Messages",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires",
            deletion_protection=True,
        )
        table.add_global_secondary_index(
            index_name="threads-by-activity",
            partition_key=dynamodb.Attribute(name="listed", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="latest", type=dynamodb.AttributeType.STRING),
        )
        return table


def _worker(scope: cdk.Stack, name: str, handler: str, **environment: str) -> tuple[lambda_.Function, sqs.Queue]:
    """A queue with dead letters, the function that works it off, and two alarms."""
    dead_letters = sqs.Queue(scope, f"{name}DeadLetters", enforce_ssl=True)
    queue = sqs.Queue(
        scope,
        f"{name}Queue",
        enforce_ssl=True,
        visibility_timeout=cdk.Duration.minutes(3),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5),
    )
    function = _function(scope, name, handler, **environment)
    function.add_event_source(sources.SqsEventSource(queue, batch_size=1, max_concurrency=5))
    _alarm(scope, f"{name}Dead", dead_letters.metric_approximate_number_of_messages_visible(), 0)
    _alarm(scope, f"{name}Oldest", queue.metric_approximate_age_of_oldest_message(), 900)
    return function, queue


def _function(scope: cdk.Stack, name: str, handler: str, **environment: str) -> lambda_.Function:
    return lambda_.Function(
        scope,
        name,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_.Code.from_asset(os.environ["CODE"]),
        handler=handler,
        timeout=cdk.Duration.minutes(2),
        environment=environment,
        log_group=logs.LogGroup(scope, f"{name}Logs", retention=logs.RetentionDays.ONE_YEAR),
    )


def _alarm(scope: cdk.Stack, name: str, metric: cloudwatch.IMetric, threshold: float) -> None:
    cloudwatch.Alarm(
        scope,
        name,
        metric=metric,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    )


def main() -> None:
    """Synthesize every tenant of the file."""
    spec = json.loads(Path(os.environ["TENANTS_JSON"]).read_text(encoding="utf-8"))
    app = cdk.App()
    cells = {cell["id"]: Cell(app, cell, os.environ["HANDLER"]) for cell in spec["cells"]}
    for tenant in spec["tenants"]:
        Tenant(app, tenant, cells[tenant["cell"]], tenant["cell"])
    app.synth()


if __name__ == "__main__":
    main()
