"""The resources of one tenant."""

from __future__ import annotations

from functools import cache

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import (
    AttachmentScanner,
    AttachmentScannerProps,
    ParentZone,
    PortalAlias,
    Retention,
    SharedFunctions,
    TenantSubdomain,
    TenantSubdomainProps,
    Tracking,
)
from constructs_lib.bucket_policy import Scanner
from constructs_lib.naming import cell_export, receipt_rule_set_name, registry_path, tenant_stack_name
from constructs_lib.records import ownership_record, zone_file_line
from constructs_lib.wildcards import explain_wildcard
from email_stack.config import Cell, Tenant
from email_stack.config.snapshots import REVISION_OUTPUT
from email_stack.stacks.cell_stack import (
    ACCESS_LOGS_BUCKET,
    ALARMS_TOPIC,
    ALERTS_KEY,
    BOOKS_ROLE,
    DEFINITIONS_BUCKET,
    ENVELOPES_TOPIC,
    SCANNER_QUEUE,
    SCANNER_ROLE,
    TENANT_BOUNDARY,
    TRACKING_ROLE,
)
from email_stack.stacks.keys import imported_key
from email_stack.stacks.removal import removal_policy
from mailroom.layout import (
    ATTACHMENTS_PREFIX,
    BODIES_PREFIX,
    CLEAN_PREFIX,
    DECISIONS_PREFIX,
    HELD_PREFIX,
    OUTGOING_PREFIX,
)
from mailroom.messages.joining import JoinBy

__all__ = ["TenantStack"]


class TenantStack(cdk.Stack):
    """The stack of one tenant: `TenantSubdomain` and outputs.

    If the subdomain is delegated, the zone and its name servers are outputs. If it is self-managed, the records are outputs, each
    as a line of a zone file, the eight required ones first. The stack imports from its cell, and has no custom resource.

    Args:
        scope: the app.
        tenant: the tenant.
        cell: its cell.
        revision: revision of the tenant's snapshot, which is an output. Default: None, the config owns the settings.
    """

    def __init__(self, scope: Construct, tenant: Tenant, cell: Cell, revision: int | None = None) -> None:
        super().__init__(
            scope,
            tenant_stack_name(tenant.id),
            env=cdk.Environment(account=cell.account, region=cell.region),
            description=f"E-mail on {tenant.subdomain} for tenant {tenant.id}",
            tags={**tenant.tags, "tenant": tenant.id, "cell": cell.id},
        )
        key = imported_key(self, tenant.encryption or cell.encryption)
        alarms = sns.Topic.from_topic_arn(self, "Alarms", _imported(cell.id, ALARMS_TOPIC))
        scanner = (
            self._own_scanner(cell, key, alarms)
            if tenant.scanning.mode == "dedicated"
            else _cell_scanner(cell.id, _keys_of(cell))
        )
        self.subdomain = TenantSubdomain(self, "Subdomain", _props(tenant, cell, scanner, key, alarms))
        if tenant.access:
            self._grant_applications(tenant)
        if cell.control is not None and tenant.scanning.mode == "shared":
            # An own scanner reaches resources of the cell, and the settings API deploys no such scanner.
            bound = iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", _imported(cell.id, TENANT_BOUNDARY))
            iam.PermissionsBoundary.of(self).apply(bound)
        if tenant.ownership is not None and self.subdomain.zone is not None:
            # The ownership token stays in this zone, so that a delegated subdomain stays proven.
            record = ownership_record(subdomain=tenant.subdomain, token=tenant.ownership)
            self.subdomain.zone.add_records("Ownership", [record])
        self._write_outputs(revision)

    def _grant_applications(self, tenant: Tenant) -> None:
        """Give each application's role an inline policy with its permissions."""
        grants = {
            "read": self.subdomain.grant_read,
            "send": self.subdomain.grant_outbox,
            "addresses": self.subdomain.grant_addresses,
            "held": self.subdomain.grant_held,
        }
        roles = Construct(self, "Access")
        for access in tenant.access:
            name = access.role_arn.rpartition("/")[2]
            role = iam.Role.from_role_arn(roles, name, access.role_arn)
            for word in access.may:
                grants[word](role)
        for prefix in (ATTACHMENTS_PREFIX, BODIES_PREFIX, CLEAN_PREFIX, HELD_PREFIX, DECISIONS_PREFIX, OUTGOING_PREFIX):
            objects = f"{self.subdomain.inbox.bucket_arn}/{prefix}*"
            explain_wildcard(roles, objects, "an application works with all objects of its tenant below the prefix")

    def _own_scanner(self, cell: Cell, key: kms.IKey | None, alarms: sns.ITopic) -> Scanner:
        """A scanner for this tenant only, with the cell's signature database."""
        definitions = s3.Bucket.from_bucket_name(self, "Definitions", _imported(cell.id, DEFINITIONS_BUCKET))
        scanner = AttachmentScanner(
            self,
            "Scanner",
            AttachmentScannerProps(
                definitions=definitions,
                alarm_topic=alarms,
                topics_key_arn=_imported(cell.id, ALERTS_KEY) if key is None else None,
                encryption_key=key,
                definitions_key=self._key_of_definitions(cell),
                memory_mib=cell.scanner.memory_mib,
                max_concurrency=cell.scanner.max_concurrency,
                recall_days=cell.scanner.recall_days,
                sorts_arrivals=False,
            ),
        )
        return scanner.scanner

    def _key_of_definitions(self, cell: Cell) -> kms.IKey | None:
        if cell.encryption is None:
            return None
        return kms.Key.from_key_arn(self, "DefinitionsKey", cell.encryption.key_arn)

    def _write_outputs(self, revision: int | None) -> None:
        made = self.subdomain
        outputs = {
            "BucketName": made.inbox.bucket_name,
            "IdentityArn": made.sending.identity_arn,
            "ConfigurationSetName": made.sending.configuration_set_name,
            "AlertsTopicArn": made.alerts.topic_arn,
        }
        if made.messages is not None:
            outputs["MessagesTableName"] = made.messages.table_name
        if made.zone is not None:
            outputs["HostedZoneId"] = made.zone.hosted_zone_id
            outputs["NameServers"] = cdk.Fn.join(", ", made.zone.name_servers)
        else:
            for number, record in enumerate(made.records, start=1):
                outputs[f"DnsRecord{number}"] = zone_file_line(record)
        if revision is not None:
            outputs[REVISION_OUTPUT] = str(revision)
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)


@cache
def _imported(cell_id: str, value: str) -> str:
    """The same token for every tenant of a cell."""
    return cdk.Fn.import_value(cell_export(cell_id, value))


def _keys_of(cell: Cell) -> tuple[str, ...]:
    """Keys that roles of the cell's stack may use already."""
    return (cell.encryption.key_arn,) if cell.encryption is not None else ()


@cache
def _cell_scanner(cell_id: str, key_arns: tuple[str, ...]) -> Scanner:
    """The shared scanner of a cell, with the cell's key."""
    return Scanner(
        role_arn=_imported(cell_id, SCANNER_ROLE),
        queue_arn=_imported(cell_id, SCANNER_QUEUE),
        topic_arn=_imported(cell_id, ENVELOPES_TOPIC),
        key_arns=key_arns,
    )


@cache
def _shared_functions(cell_id: str, key_arns: tuple[str, ...]) -> SharedFunctions:
    """The functions that the tenants of a cell share. An older cell exports no roles, and the deployment fails."""
    return SharedFunctions(
        registry_path=registry_path(cell_id),
        tracking_role_arn=_imported(cell_id, TRACKING_ROLE),
        books_role_arn=_imported(cell_id, BOOKS_ROLE),
        key_arns=key_arns,
    )


def _props(
    tenant: Tenant, cell: Cell, scanner: Scanner, key: kms.IKey | None, alarms: sns.ITopic
) -> TenantSubdomainProps:
    parent = tenant.parent_zone
    return TenantSubdomainProps(
        tenant_id=tenant.id,
        subdomain=tenant.subdomain,
        rule_set_name=receipt_rule_set_name(cell.id),
        addresses=tenant.designated_addresses,
        catch_all=tenant.catch_all,
        dns=tenant.dns,
        parent_zone=ParentZone(hosted_zone_id=parent.hosted_zone_id, zone_name=parent.zone_name)
        if parent is not None and parent.delegation_role_arn is None
        else None,
        portal=tenant.portal.to(PortalAlias) if tenant.portal is not None else None,
        mail_from=tenant.mail_from,
        dmarc=tenant.dmarc_record,
        mta_sts=tenant.mta_sts_record,
        live=tenant.live,
        receiving_tls=tenant.receiving_tls,
        recipients_per_rule=cell.quotas.recipients_per_rule,
        retention=tenant.retention.to(Retention),
        scanner=scanner,
        shared=_shared_functions(cell.id, _keys_of(cell)),
        scanning=tenant.scan_policy,
        tracking=tenant.tracking.to(Tracking),
        join_threads_by=[JoinBy(way) for way in tenant.join_threads_by],
        alarm_topic=alarms,
        alerts=tenant.alerts,
        alerts_key_arn=_imported(cell.id, ALERTS_KEY) if key is None else None,
        encryption_key=key,
        access_logs_bucket_name=_imported(cell.id, ACCESS_LOGS_BUCKET),
        removal_policy=removal_policy(tenant.removal),
    )
