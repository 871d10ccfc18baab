"""All resources of one tenant, in one construct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.access import Access
from constructs_lib.alerts import SecurityAlerts
from constructs_lib.bucket_policy import Scanner
from constructs_lib.checks import FLAG, KEPT_OR_NOT, Rule, check_props, choice, optional, placed
from constructs_lib.dns import ParentZone, SubdomainZone
from constructs_lib.dns.subdomain_zone import PARENT, PORTAL
from constructs_lib.encryption import allow_roles
from constructs_lib.environments import check_receives
from constructs_lib.faults import shown
from constructs_lib.keys import arn_of, here, let
from constructs_lib.limits import most_sender_characters, sender_characters
from constructs_lib.messages import MessageStore, MessageStoreProps
from constructs_lib.receiving import TenantInbox, TenantInboxProps
from constructs_lib.receiving.tenant_inbox import RECIPIENTS_PER_RULE
from constructs_lib.records import Dmarc, DnsRecord, MtaSts, PortalAlias, email_records
from constructs_lib.registry import TenantEntry, TenantEntryProps
from constructs_lib.sections import Dns, ReceivingTls, Retention, Tracking
from constructs_lib.sending import SendingIdentity
from constructs_lib.sharing import SharedFunctions
from constructs_lib.tracking import EngagementEvents
from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.messages.joining import JoinBy
from mailroom.scanning.verdicts import Policy

__all__ = ["TenantSubdomain", "TenantSubdomainProps"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantSubdomainProps:
    """Props of `TenantSubdomain`.

    Args:
        tenant_id: permanent id, 2 to 32 of a-z, 0-9 and inner hyphens.
        subdomain: A-labels, lower case, no trailing dot.
        rule_set_name: active receipt rule set of the account and region: `ActiveReceiptRuleSet.rule_set_name`, or the name of
            one that exists.
        addresses: designated addresses. Receiving ones are the receipt rules' recipients, sending ones the senders of the outbox,
            and all are the address book. Append new ones at the end. Default: none.
        catch_all: whether every address of the subdomain receives. Default: False.
        dns: "delegated" makes a hosted zone with the records in it; "self-managed" leaves the records to the customer.
            Default: "delegated".
        parent_zone: zone of ours, in this account, that delegates the subdomain. Default: None.
        portal: alias at the subdomain itself; needs a delegated subdomain. Default: None.
        mail_from: label of the MAIL FROM domain. Default: "mail".
        dmarc: policy, and addresses for reports. Default: quarantine, no reports.
        mta_sts: MTA-STS policy; a web server of yours serves its file. Default: None.
        live: False stops sending and receiving. Default: True.
        receiving_tls: "require" bounces mail that arrives without TLS; "optional" accepts it. Default: "require".
        recipients_per_rule: Default: 100.
        retention: how long mail is kept. Default: 90 days in quarantine, delivered mail without limit.
        scanner: the scanner. Default: None, mail stays in quarantine.
        shared: functions of the account and region that record SES's events and write the address book; requires a scanner.
            Default: None, no tracking and no book.
        scanning: the action for each verdict. Default: clean mail is delivered, malware removed, other mail held.
        tracking: recorded events of sent mail. Default: all; addresses with a bounce are kept as a digest.
        join_threads_by: further ways to join messages into threads, besides Message-IDs. Default: none.
        alarm_topic: receives the alarm when mail cannot be stored. Default: None, no actions.
        alerts: e-mail addresses of operators for detections. Default: none.
        alerts_key_arn: KMS key of the alerts topic; its policy stays unchanged. Default: None, `encryption_key`, else a key of its
            own.
        encryption_key: KMS key of bucket, table, queues, log groups and the alerts topic. The tenant's roles use it by their own
            policies. Its policy gets the statements of docs/constructs.md; that of an imported key must have them. Default: None,
            AWS's own keys.
        access_logs_bucket_name: bucket for the inbox's access logs. Default: None.
        removal_policy: for zone, bucket and table. Default: retain, except after a failed first deployment: otherwise each attempt
            would leave a zone behind, with other name servers.
    """

    tenant_id: str
    subdomain: str
    rule_set_name: str
    addresses: Sequence[DesignatedAddress] = ()
    catch_all: bool = False
    dns: Dns = "delegated"
    parent_zone: ParentZone | None = None
    portal: PortalAlias | None = None
    mail_from: str = "mail"
    dmarc: Dmarc = field(default_factory=Dmarc)
    mta_sts: MtaSts | None = None
    live: bool = True
    receiving_tls: ReceivingTls = "require"
    recipients_per_rule: int = RECIPIENTS_PER_RULE
    retention: Retention = field(default_factory=Retention)
    scanner: Scanner | None = None
    shared: SharedFunctions | None = None
    scanning: Policy = field(default_factory=Policy)
    tracking: Tracking = field(default_factory=Tracking)
    join_threads_by: Sequence[JoinBy] = ()
    alarm_topic: sns.ITopic | None = None
    alerts: Sequence[str] = ()
    alerts_key_arn: str | None = None
    encryption_key: kms.IKey | None = None
    access_logs_bucket_name: str | None = None
    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class TenantSubdomain(Construct):
    """A tenant's subdomain, ready to send and receive: DNS, sending identity, inbox, alerts and messages.

    Composes `SendingIdentity`, `SecurityAlerts` and `TenantInbox`; with a scanner `MessageStore`, and with shared functions as well
    `TenantEntry` and `EngagementEvents`. When delegated, `SubdomainZone` with `records` in it: the eight that e-mail needs, then
    optional ones. Holds no custom resource.

    Raises:
        ValueError: a portal or a parent zone without delegation (a CNAME at the subdomain would clash with its MX), a text that
            holds `{{` or a `${` that is no token (`check_texts`), or an error of the composed constructs.
    """

    def __init__(self, scope: Construct, id: str, props: TenantSubdomainProps) -> None:
        super().__init__(scope, id)
        where = self._where = f"tenant {shown(props.tenant_id)}"
        check_props(self, where, _rules(props), props)
        check_receives(self, where)
        self.address_book = AddressBook(
            subdomain=props.subdomain, addresses=tuple(props.addresses), catch_all=props.catch_all, live=props.live
        )
        # A tenant that is not live keeps its grants and rules. Configuration set and rules are disabled.
        senders = [one.address for one in props.addresses if one.sends]
        recipients = [props.subdomain] if props.catch_all else [one.address for one in props.addresses if one.receives]
        self._sends = bool(senders)
        if props.scanner is not None:
            with placed(self):
                _check_senders(where, props, senders)
        delegated = props.dns == "delegated"
        if not delegated and (props.portal is not None or props.parent_zone is not None):
            what = "portal" if props.portal is not None else "parent_zone"
            with placed(self):
                raise ValueError(
                    f'{where}: {what} needs a zone of ours, got dns="self-managed"; delegate the subdomain or drop it'
                )
        self.sending = SendingIdentity(
            self,
            "Sending",
            domain=props.subdomain,
            tenant_name=props.tenant_id,
            mail_from=props.mail_from,
            live=props.live,
            tracking=props.tracking,
        )
        self.records: tuple[DnsRecord, ...] = email_records(
            subdomain=props.subdomain,
            region=(scope if isinstance(scope, cdk.Stack) else cdk.Stack.of(scope)).region,
            mail_from=props.mail_from,
            dkim=self.sending.dkim_tokens,
            dmarc=props.dmarc,
            redirect_domain=props.tracking.redirect_domain,
            mta_sts=props.mta_sts,
        )
        self.zone: SubdomainZone | None = None
        if delegated:
            self.zone = SubdomainZone(
                self,
                "Dns",
                zone_name=props.subdomain,
                parent_zone=props.parent_zone,
                portal=props.portal,
                removal_policy=props.removal_policy,
            )
            self.zone.add_records("Email", self.records)
        self._key = props.encryption_key
        key_arn = arn_of(self._key)
        self.alerts = SecurityAlerts(
            self,
            "Alerts",
            display_name=f"Mail security {props.tenant_id}",
            addresses=props.alerts,
            publisher_role_arns=[props.scanner.role_arn] if props.scanner is not None else (),
            publishers_have_key=props.scanner is not None and key_arn in props.scanner.key_arns,
            encryption_key=props.encryption_key if props.alerts_key_arn is None else None,
            encryption_key_arn=props.alerts_key_arn,
            removal_policy=props.removal_policy,
        )
        self.messages: MessageStore | None = None
        if props.scanner is not None:
            self.messages = MessageStore(
                self,
                "Messages",
                MessageStoreProps(
                    tenant_id=props.tenant_id,
                    subdomain=props.subdomain,
                    retention=props.retention,
                    join_threads_by=props.join_threads_by,
                    configuration_set_name=self.sending.configuration_set_name if senders else None,
                    send_statements=self.sending.send_statements(senders) if senders else (),
                    table_statements=props.shared.table_statements(
                        configuration_set_name=self.sending.configuration_set_name, stack_id=cdk.Aws.STACK_ID
                    )
                    if props.shared is not None
                    else (),
                    alarm_topic=props.alarm_topic,
                    encryption_key=props.encryption_key,
                    removal_policy=props.removal_policy,
                ),
            )
            if props.shared is not None:
                self._share(props, props.shared, self.messages)
                _grant_key(props.encryption_key, props.shared)
        self.inbox = TenantInbox(
            self,
            "Inbox",
            TenantInboxProps(
                tenant_id=props.tenant_id,
                rule_set_name=props.rule_set_name,
                recipients=recipients,
                retention=props.retention,
                live=props.live,
                receiving_tls=props.receiving_tls,
                recipients_per_rule=props.recipients_per_rule,
                access_logs_bucket_name=props.access_logs_bucket_name,
                encryption_key=props.encryption_key,
                removal_policy=props.removal_policy,
                scanner=props.scanner,
                scanning=props.scanning,
                structurer=self.messages.structurer if self.messages is not None else None,
                alerts_topic=self.alerts.topic(),
            ),
        )

    def _share(self, props: TenantSubdomainProps, shared: SharedFunctions, messages: MessageStore) -> None:
        """Connect the cell's functions, which record events and write the address book."""
        entry = TenantEntry(
            self,
            "Entry",
            TenantEntryProps(
                tenant_id=props.tenant_id,
                registry_path=shared.registry_path,
                configuration_set_name=self.sending.configuration_set_name,
                table_name=messages.table_name,
                book=self.address_book,
                tracking=props.tracking,
                retention=props.retention,
            ),
        )
        told = EngagementEvents(
            self,
            "Tracking",
            configuration_set_name=self.sending.configuration_set_name,
            tracking=props.tracking,
        )
        # The tenant's entry exists before its first event.
        told.destination.add_resource_dependency(entry.parameter)

    def grant_outbox(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` use the tenant's outbox (`mailroom.Outbox`): put messages in, and read their state.

        The scanner scans the messages, and the tenant's own function sends them. The grantee gets no right to send or to read mail,
        and writes nothing else to the table.

        Raises:
            ValueError: the tenant has no outbox: no scanner, or no address that sends.

        Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
        """
        if self.messages is None or not self._sends:
            raise ValueError(f"{self._where}: has no outbox; give it a scanner and addresses that send")
        return self._access(self.messages).grant_use_of_outbox(grantee)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the tenant's mail and addresses (`mailroom.MessageReader`); no right to change or send.

        Allows dynamodb:Query, GetItem and BatchGetItem on the table, Query on its index, and s3:GetObject below `attachments/`,
        `bodies/` and `clean/`, but not below `raw/`, the quarantine.

        Raises:
            ValueError: the tenant has no scanner, and therefore stores no messages.
        """
        return self._access(self._store("read")).grant_read(grantee)

    def grant_addresses(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the tenant's address book (`MessageReader.address_book`): dynamodb:GetItem of that one item.

        Raises:
            ValueError: the tenant has no scanner, and therefore stores no messages.
        """
        return self._access(self._store("have its address book read")).grant_read_addresses(grantee)

    def grant_held(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list held mail, and request its release or deletion (`mailroom.HeldMail`).

        Allows s3:ListBucket and GetObject below `held/`, for the scanner's descriptions of held mail, and s3:PutObject below
        `raw/decisions/`. The messages themselves stay unreadable; the scanner decides on each request.

        Raises:
            ValueError: the tenant has no scanner, and therefore no held mail.
        """
        return self._access(self._store("have held mail")).grant_decide_held(grantee)

    def _access(self, store: MessageStore) -> Access:
        return Access(bucket_arn=self.inbox.bucket_arn, table_arn=store.table_arn, key=self._key)

    def _store(self, why: str) -> MessageStore:
        if self.messages is None:
            raise ValueError(f"{self._where}: must keep messages to {why}, got no scanner; give it one")
        return self.messages


def _grant_key(key: kms.IKey | None, shared: SharedFunctions) -> None:
    """The key admits the cell's functions like the table: they write through DynamoDB alone."""
    if key is not None and key.key_arn not in shared.key_arns:
        let(key, allow_roles([shared.tracking_role_arn, shared.books_role_arn], here(), "dynamodb"))


def _check_senders(where: str, props: TenantSubdomainProps, senders: Sequence[str]) -> None:
    most = most_sender_characters(props.subdomain, encrypted=props.encryption_key is not None)
    if (given := sender_characters(senders)) > most:
        raise ValueError(
            f"{where}: addresses must let addresses of at most {most:,} characters in all send, since the policies of the role "
            f"that sends hold no more, got {given:,}; pass sends=False where nothing is sent from"
        )


def _rules(props: TenantSubdomainProps) -> dict[str, Rule]:
    return {**_RULES, "addresses": rules.addresses_of(props.subdomain)}


_RULES: Final[dict[str, Rule]] = {
    "tenant_id": rules.IDENTIFIER,
    "subdomain": rules.SUBDOMAIN,
    "rule_set_name": rules.RULE_SET_NAME,
    "catch_all": FLAG,
    "dns": choice("delegated", "self-managed"),
    "parent_zone": optional(PARENT),
    "portal": optional(PORTAL),
    "mail_from": rules.LABEL,
    "dmarc": rules.DMARC,
    "mta_sts": optional(rules.MTA_STS),
    "live": FLAG,
    "receiving_tls": rules.RECEIVING_TLS,
    "recipients_per_rule": rules.RECIPIENTS_PER_RULE,
    "retention": rules.RETENTION,
    "scanner": optional(rules.SCANNER),
    "shared": optional(rules.SHARED),
    "scanning": rules.SCANNING,
    "tracking": rules.TRACKING,
    "join_threads_by": rules.JOIN_THREADS_BY,
    "alarm_topic": optional(rules.TOPIC),
    "alerts": rules.MAILBOXES,
    "alerts_key_arn": optional(rules.KEY_ARN),
    "encryption_key": optional(rules.KEY),
    "access_logs_bucket_name": optional(rules.BUCKET_NAME),
    "removal_policy": KEPT_OR_NOT,
}
