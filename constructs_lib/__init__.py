"""Constructs that provision e-mail on a tenant's subdomain. Import them from here.

Loaded on first use: the pure modules below (`records`, `naming`) are used where the CDK is not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.addresses import AddressBook, AddressBookWriter, AddressBookWriterProps, DesignatedAddress
    from constructs_lib.alerts import SecurityAlerts
    from constructs_lib.dns import ParentZone, PortalAlias, RecordBatch, SubdomainZone
    from constructs_lib.messages import MessageStore, MessageStoreProps
    from constructs_lib.receiving import ActiveReceiptRuleSet, TenantInbox, TenantInboxProps
    from constructs_lib.scanning import AttachmentScanner, AttachmentScannerProps, SignatureMirror
    from constructs_lib.sending import SendingIdentity
    from constructs_lib.tenant_subdomain import TenantSubdomain, TenantSubdomainProps
    from constructs_lib.tracking import EngagementTracking, EngagementTrackingProps

__all__ = [
    "ActiveReceiptRuleSet",
    "AddressBook",
    "AddressBookWriter",
    "AddressBookWriterProps",
    "AttachmentScanner",
    "AttachmentScannerProps",
    "DesignatedAddress",
    "EngagementTracking",
    "EngagementTrackingProps",
    "MessageStore",
    "MessageStoreProps",
    "ParentZone",
    "PortalAlias",
    "RecordBatch",
    "SecurityAlerts",
    "SendingIdentity",
    "SignatureMirror",
    "SubdomainZone",
    "TenantInbox",
    "TenantInboxProps",
    "TenantSubdomain",
    "TenantSubdomainProps",
]

_HOMES = {
    "ActiveReceiptRuleSet": "receiving",
    "AddressBook": "addresses",
    "AddressBookWriter": "addresses",
    "AddressBookWriterProps": "addresses",
    "AttachmentScanner": "scanning",
    "AttachmentScannerProps": "scanning",
    "DesignatedAddress": "addresses",
    "EngagementTracking": "tracking",
    "EngagementTrackingProps": "tracking",
    "MessageStore": "messages",
    "MessageStoreProps": "messages",
    "ParentZone": "dns",
    "PortalAlias": "dns",
    "RecordBatch": "dns",
    "SecurityAlerts": "alerts",
    "SendingIdentity": "sending",
    "SignatureMirror": "scanning",
    "SubdomainZone": "dns",
    "TenantInbox": "receiving",
    "TenantInboxProps": "receiving",
    "TenantSubdomain": "tenant_subdomain",
    "TenantSubdomainProps": "tenant_subdomain",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
