"""Constructs that provision e-mail on a tenant's subdomain. Import them from here.

The names below are public, and so is `constructs_lib.records`, which describes DNS records without the CDK. Other modules of the
package are private. Each name is loaded on first use, because the pure modules also run without the CDK. If `aws_cdk` is imported
after this package, the CDK runs on the Node that this package installs, not on the one of PATH.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.node import use_installed_node
from mailroom.lazy_imports import lazy_imports

if TYPE_CHECKING:
    from constructs_lib.addresses import AddressBook as AddressBook
    from constructs_lib.addresses import AddressBookWriter as AddressBookWriter
    from constructs_lib.addresses import AddressBookWriterProps as AddressBookWriterProps
    from constructs_lib.addresses import DesignatedAddress as DesignatedAddress
    from constructs_lib.alerts import SecurityAlerts as SecurityAlerts
    from constructs_lib.alerts import SendingPauses as SendingPauses
    from constructs_lib.bucket_policy import Scanner as Scanner
    from constructs_lib.deployed_tenant import DeployedTenant as DeployedTenant
    from constructs_lib.dns import ParentZone as ParentZone
    from constructs_lib.dns import RecordBatch as RecordBatch
    from constructs_lib.dns import SubdomainZone as SubdomainZone
    from constructs_lib.messages import MessageStore as MessageStore
    from constructs_lib.messages import MessageStoreProps as MessageStoreProps
    from constructs_lib.receiving import ActiveReceiptRuleSet as ActiveReceiptRuleSet
    from constructs_lib.receiving import TenantInbox as TenantInbox
    from constructs_lib.receiving import TenantInboxProps as TenantInboxProps
    from constructs_lib.records import Dmarc as Dmarc
    from constructs_lib.records import DnsRecord as DnsRecord
    from constructs_lib.records import MtaSts as MtaSts
    from constructs_lib.records import PortalAlias as PortalAlias
    from constructs_lib.registry import TenantEntry as TenantEntry
    from constructs_lib.registry import TenantEntryProps as TenantEntryProps
    from constructs_lib.scanning import AttachmentScanner as AttachmentScanner
    from constructs_lib.scanning import AttachmentScannerProps as AttachmentScannerProps
    from constructs_lib.scanning import SignatureMirror as SignatureMirror
    from constructs_lib.sections import Retention as Retention
    from constructs_lib.sections import Tracking as Tracking
    from constructs_lib.sending import SendingIdentity as SendingIdentity
    from constructs_lib.sharing import SharedFunctions as SharedFunctions
    from constructs_lib.tenant_subdomain import TenantSubdomain as TenantSubdomain
    from constructs_lib.tenant_subdomain import TenantSubdomainProps as TenantSubdomainProps
    from constructs_lib.tracking import EngagementEvents as EngagementEvents
    from constructs_lib.tracking import EngagementTracking as EngagementTracking
    from constructs_lib.tracking import EngagementTrackingProps as EngagementTrackingProps
    from mailroom.messages.joining import JoinBy as JoinBy
    from mailroom.scanning.active.risks import ActiveContent as ActiveContent
    from mailroom.scanning.active.risks import Reaction as Reaction
    from mailroom.scanning.verdicts import Action as Action
    from mailroom.scanning.verdicts import Policy as Policy
else:
    __getattr__, __dir__ = lazy_imports(__name__, extra="constructs")

use_installed_node()
