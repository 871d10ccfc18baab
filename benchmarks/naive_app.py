"""The same tenants as a plain CDK Python app: L2 constructs, as the CDK's documentation shows them.

Reads a JSON list of cells and tenants from the path in TENANTS_JSON. It is what the platform is measured against.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as actions
from aws_cdk import aws_sns as sns


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
