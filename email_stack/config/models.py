"""Cells and tenants: frozen, complete and valid, as everything downstream sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NoReturn

from pydantic import Field, model_validator

from constructs_lib import names, records
from constructs_lib.sections import Dns, ReceivingTls
from email_stack.config.control import Control
from email_stack.config.field_validation import validate_fields
from email_stack.config.problems import ConfigError, Problem, closest, shown
from email_stack.config.quotas import Quotas
from email_stack.config.sections import (
    Access,
    Address,
    AddressItem,
    Dmarc,
    Encryption,
    MtaSts,
    ParentZone,
    Portal,
    Receiving,
    Removal,
    Retention,
    ScannerSettings,
    Scanning,
    ScanningItem,
    Tracking,
)
from email_stack.config.snapshots import Snapshot
from email_stack.config.values import (
    Account,
    Identifier,
    Label,
    Mailboxes,
    OwnershipToken,
    Region,
    RoleLocalParts,
    Settings,
    Subdomain,
    Tags,
)
from mailroom.addresses import DesignatedAddress
from mailroom.scanning.active.risks import Reaction
from mailroom.scanning.verdicts import Policy

__all__ = ["Cell", "Config", "Quotas", "Tenant"]


class Cell(Settings):
    """One account and region, which its tenants share."""

    id: Identifier = Field(description="Permanent id of the cell: the key of its mapping.")
    region: Region = Field(description="AWS region in which SES receives mail.")
    account: Account | None = Field(
        default=None, description="AWS account, 12 digits in quotes. Default: the account of the caller's credentials."
    )
    alerts: Mailboxes = Field(default=(), description="Operators who get the cell's alarms by e-mail. Default: none.")
    quotas: Quotas = Field(
        default=Quotas(), description="Service quotas of the account and region. Default: AWS's own."
    )
    scanner: ScannerSettings = Field(
        default=ScannerSettings(), description="The virus scanner's function. Default: what a new account can run."
    )
    encryption: Encryption | None = Field(
        default=None,
        description="KMS key of the cell's definitions, queues, topic and logs, and of its tenants. Default: AWS's own keys.",
    )
    control: Control | None = Field(
        default=None,
        description="The settings API, with which customers bring their domains; one cell has it. Default: none.",
    )
    removal: Removal = Field(
        default="retain",
        description="Handling of the cell's data, its access logs, at the deletion of its stack. Default: retain.",
    )


class Tenant(Settings):
    """One tenant's e-mail on one subdomain."""

    id: Identifier = Field(description="Permanent id: stacks and rules are named by it, so it never changes.")
    settings: Literal["git", "api"] = Field(
        default="git",
        description="Owner of subdomain, dns, ownership, live and addresses: this config, or the settings API. Default: git.",
    )
    subdomain: Subdomain = Field(
        description="Domain of the tenant's mail, below a registered one; Unicode or A-labels. Default: the API's (settings: api)."
    )
    cell: Identifier = Field(description="Id of the tenant's cell; never changes. Default: the only cell.")
    dns: Dns = Field(
        default="delegated",
        description="delegated: a hosted zone of ours. self-managed: the owner gets the eight records. Default: delegated.",
    )
    parent_zone: ParentZone | None = Field(
        default=None,
        description="Zone of ours above the subdomain that delegates it. Default: the owner writes the NS record.",
    )
    addresses: tuple[AddressItem, ...] = Field(
        default=(),
        description="Designated addresses: mappings, or local parts alone. Append new ones at the end. Default: none.",
    )
    role_addresses: RoleLocalParts = Field(
        default=("postmaster", "abuse"),
        description="More local parts that receive, unless `addresses` sets them otherwise (RFC 2142). Default: postmaster, abuse.",
    )
    catch_all: bool = Field(default=False, description="Receive at every address of the subdomain. Default: false.")
    dmarc: Dmarc = Field(default=Dmarc(), description="DMARC policy and reports. Default: quarantine.")
    mta_sts: MtaSts | None = Field(default=None, description="TLS policy for incoming mail (MTA-STS). Default: none.")
    mail_from: Label = Field(
        default="mail", description="Label of the MAIL FROM domain below the subdomain. Default: mail."
    )
    alerts: Mailboxes = Field(default=(), description="Operators who get detections by e-mail. Default: none.")
    access: tuple[Access, ...] = Field(
        default=(),
        description="Roles of applications, and what each may do with the tenant's mail. Default: none.",
    )
    tracking: Tracking = Field(default=Tracking(), description="Open and click tracking. Default: both.")
    scanning: ScanningItem = Field(
        default=Scanning(), description="Virus scanning, or its mode alone. Default: shared."
    )
    receiving: Receiving = Field(default=Receiving(), description="Treatment of mail that fails DMARC. Default: flag.")
    retention: Retention = Field(default=Retention(), description="How long mail is kept.")
    encryption: Encryption | None = Field(
        default=None, description="KMS key of mail, messages, queues, topic and logs. Default: the cell's."
    )
    join_threads_by: tuple[Literal["thread-index", "subject"], ...] = Field(
        default=(),
        description="More fields that join messages into a thread, besides Message-ID, In-Reply-To and References. Default: none.",
    )
    removal: Removal = Field(
        default="retain",
        description="Handling of the tenant's mail and zone at the deletion of its stack. Default: retain.",
    )
    live: bool = Field(
        default=True, description="false stops sending and receiving, as before off-boarding. Default: true."
    )
    receiving_tls: ReceivingTls = Field(
        default="require", description="require: mail that arrives without TLS bounces. Default: require."
    )
    portal: Portal | None = Field(
        default=None, description="Web portal on the subdomain itself; delegated only. Default: none."
    )
    ownership: OwnershipToken | None = Field(
        default=None,
        description="TXT record at _email-claim.<subdomain>, which proves to the settings API whose it is. Default: none.",
    )
    tags: Tags = Field(
        default={}, description="Tags of every resource, beside `tenant` and `cell`. At most 40. Default: none."
    )

    @model_validator(mode="after")
    def _fields_agree(self) -> Tenant:
        validate_fields(self)
        return self

    def __hash__(self) -> int:
        return hash((self.id, self.subdomain))

    @property
    def subdomain_unicode(self) -> str:
        """The subdomain as people read it, in U-labels."""
        return names.unicode_name(self.subdomain)

    @property
    def mail_from_domain(self) -> str:
        """Domain of the envelope sender."""
        return f"{self.mail_from}.{self.subdomain}"

    @cached_property
    def designated_addresses(self) -> tuple[DesignatedAddress, ...]:
        """All addresses in full: role addresses first, then the rest in the config's order.

        Appending to `addresses` appends here: no other address moves to another receipt rule.
        """
        listed = {address.local_part: address for address in self.addresses}
        roles = {role: listed.get(role, Address(local_part=role, send=False)) for role in self.role_addresses}
        return tuple(
            DesignatedAddress(
                f"{one.local_part}@{self.subdomain}", one.display_name or "", sends=one.send, receives=one.receive
            )
            for one in {**roles, **listed}.values()
        )

    @property
    def receiving_addresses(self) -> tuple[str, ...]:
        """Full addresses that receive."""
        return tuple(one.address for one in self.designated_addresses if one.receives)

    @property
    def sending_addresses(self) -> tuple[str, ...]:
        """Full addresses that may send."""
        return tuple(one.address for one in self.designated_addresses if one.sends)

    @property
    def scan_policy(self) -> Policy:
        """The scan policy in the scanner's own form."""
        return replace(self.scanning.policy, unauthenticated=Reaction(self.receiving.unauthenticated))

    @property
    def mta_sts_record(self) -> records.MtaSts | None:
        """The TLS policy for incoming mail, in the form that makes its records."""
        return self.mta_sts.to(records.MtaSts) if self.mta_sts is not None else None

    @property
    def dmarc_record(self) -> records.Dmarc:
        """DMARC policy and reports, in the form that makes the record."""
        return replace(self.dmarc.to(records.Dmarc), rua=self.dmarc_rua)

    @property
    def dmarc_rua(self) -> tuple[str, ...]:
        """Addresses for DMARC's aggregate reports, with the default resolved."""
        if self.dmarc.rua is not None:
            return self.dmarc.rua
        postmaster = f"postmaster@{self.subdomain}"
        return (postmaster,) if self.catch_all or postmaster in self.receiving_addresses else ()


@dataclass(frozen=True, slots=True)
class Config:
    """All cells and tenants that `load` read, checked together.

    Args:
        cells: in the file's order.
        tenants: in the file's order; from a folder, in the order of file names.
        source: the file or folder, for messages.
        snapshots: of tenants whose settings the API owns, by tenant.
    """

    cells: tuple[Cell, ...]
    tenants: tuple[Tenant, ...]
    source: str = "config"
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    _cells: Mapping[str, Cell] = field(init=False, repr=False, compare=False)
    _tenants: Mapping[str, Tenant] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cells", {cell.id: cell for cell in self.cells})
        object.__setattr__(self, "_tenants", {tenant.id: tenant for tenant in self.tenants})

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant with that id.

        Raises:
            ConfigError: there is none.
        """
        found = self._tenants.get(tenant_id)
        return found if found is not None else self._unknown("tenant", tenant_id, self._tenants)

    def cell(self, cell_id: str) -> Cell:
        """The cell with that id.

        Raises:
            ConfigError: there is none.
        """
        found = self._cells.get(cell_id)
        return found if found is not None else self._unknown("cell", cell_id, self._cells)

    def tenants_of(self, cell_id: str) -> tuple[Tenant, ...]:
        """The tenants in that cell, in the config's order.

        Raises:
            ConfigError: there is no such cell.
        """
        self.cell(cell_id)
        return tuple(tenant for tenant in self.tenants if tenant.cell == cell_id)

    def _unknown(self, what: str, wanted: str, known: Iterable[str]) -> NoReturn:
        near = closest(wanted, known)
        remedy = f'did you mean "{near}"?' if near else f"add it, or name a {what} that is in it"
        subject = f"{what} {shown(wanted)}"
        raise ConfigError([Problem(self.source, 1, 1, "", None, "is not in this config", remedy, subject)])
