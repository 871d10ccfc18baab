"""Rules between several fields of one tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from constructs_lib import names
from constructs_lib.limits import MOST_BOOK_BYTES, book_bytes, most_sender_characters, sender_characters
from constructs_lib.records import report_authorization_records
from email_stack.config.problems import Fault, RuleError
from email_stack.config.sections import Access, Address, MtaSts, ParentZone, Portal, Tracking
from mailroom.addresses import AddressBook, DesignatedAddress

__all__ = ["sender_faults", "validate_fields"]

_FEW_ADDRESSES: Final = 200
"""So many addresses of greatest length, with names of greatest length, fit an address book: fewer need no measurement."""


class _Tenant(Protocol):
    """The fields of a tenant that the checks read. The model imports the checks, so they do not import the model."""

    @property
    def subdomain(self) -> str: ...
    @property
    def dns(self) -> str: ...
    @property
    def parent_zone(self) -> ParentZone | None: ...
    @property
    def portal(self) -> Portal | None: ...
    @property
    def addresses(self) -> tuple[Address, ...]: ...
    @property
    def role_addresses(self) -> tuple[str, ...]: ...
    @property
    def designated_addresses(self) -> tuple[DesignatedAddress, ...]: ...
    @property
    def sending_addresses(self) -> tuple[str, ...]: ...
    @property
    def mail_from_domain(self) -> str: ...
    @property
    def mta_sts(self) -> MtaSts | None: ...
    @property
    def access(self) -> tuple[Access, ...]: ...
    @property
    def tracking(self) -> Tracking: ...
    @property
    def dmarc_rua(self) -> tuple[str, ...]: ...


def validate_fields(tenant: _Tenant) -> None:
    """Check the fields of a tenant, each valid by itself, against each other.

    Raises:
        RuleError: fields disagree; it has a fault for each.
    """
    faults = (*_dns(tenant), *_addresses(tenant), *_access(tenant), *_names_below(tenant))
    if faults:
        raise RuleError(*faults)


def _dns(tenant: _Tenant) -> Iterator[Fault]:
    if tenant.dns == "self-managed":
        if tenant.portal is not None:
            yield Fault(
                "needs dns: delegated (an alias record exists only in a zone of ours, and the CNAME that it would be "
                "elsewhere is illegal beside the MX of the subdomain, RFC 1034 3.6.2)",
                "set dns: delegated, or remove the portal",
                ("portal",),
            )
        if tenant.parent_zone is not None:
            yield Fault(
                "needs dns: delegated (self-managed delegates nothing to us)",
                "set dns: delegated, or remove parent_zone",
                ("parent_zone",),
            )
    parent = tenant.parent_zone
    if parent is not None and not names.is_below(tenant.subdomain, parent.zone_name):
        yield Fault(
            f'must be a zone above the subdomain "{tenant.subdomain}"',
            f'name the zone that holds it, such as "{tenant.subdomain.partition(".")[2]}"',
            ("parent_zone", "zone_name"),
            parent.zone_name,
        )


def _addresses(tenant: _Tenant) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, address in enumerate(tenant.addresses):
        local = address.local_part
        first = seen.setdefault(local, index)
        if first != index:
            yield Fault(
                f"must not repeat addresses[{first}] (case makes no difference)",
                "remove one of the two",
                ("addresses", index, "local_part"),
            )
        yield from _length(tenant, local, ("addresses", index, "local_part"))
    for index, local in enumerate(tenant.role_addresses):
        yield from _length(tenant, local, ("role_addresses", index))
    yield from _amount(tenant)


def _access(tenant: _Tenant) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, access in enumerate(tenant.access):
        # Names of roles are unique in an account without regard to path and case.
        first = seen.setdefault(access.role_arn.rpartition("/")[2].lower(), index)
        if first != index:
            yield Fault(
                f"must not name the role of access[{first}] again",
                "write all that the role may once",
                ("access", index, "role_arn"),
            )
        for place, word in enumerate(access.may):
            if word in access.may[:place]:
                yield Fault("must not be repeated", "remove one of the two", ("access", index, "may", place))
        if "send" in access.may and not tenant.sending_addresses:
            yield Fault(
                "needs an address that sends (without one, the tenant has no outbox)",
                "designate one, or remove send",
                ("access", index, "may", access.may.index("send")),
            )


def _amount(tenant: _Tenant) -> Iterator[Fault]:
    """Too many addresses for one role or one item. No quota of the cell is about these limits."""
    yield from sender_faults(tenant, encrypted=False)
    if len(tenant.designated_addresses) <= _FEW_ADDRESSES:
        return
    book = book_bytes(AddressBook(subdomain=tenant.subdomain, addresses=tenant.designated_addresses))
    if book > MOST_BOOK_BYTES:
        yield Fault(
            f"must be an address book of at most {MOST_BOOK_BYTES:,} bytes (a template has no more room for it), is {book:,}",
            "designate fewer, or receive at all with catch_all",
            ("addresses",),
            silent=True,
        )


def sender_faults(tenant: _Tenant, *, encrypted: bool) -> Iterator[Fault]:
    """Too many sending addresses for the policy of the sending role; `encrypted` when the role uses a KMS key as well."""
    senders = sender_characters(tenant.sending_addresses)
    most = most_sender_characters(tenant.subdomain, encrypted=encrypted)
    if senders > most:
        yield Fault(
            f"must let addresses of at most {most:,} characters in all send (the policies of a role hold no more), are {senders:,}",
            "set send: false where nothing is sent from",
            ("addresses",),
            silent=True,
        )


def _length(tenant: _Tenant, local: str, path: tuple[str | int, ...]) -> Iterator[Fault]:
    size = len(local) + 1 + len(tenant.subdomain)
    if size > names.MAX_MAILBOX_OCTETS:
        yield Fault(
            f"must make an address of at most {names.MAX_MAILBOX_OCTETS} octets with the subdomain, makes {size}",
            "shorten it",
            path,
        )


def _names_below(tenant: _Tenant) -> Iterator[Fault]:
    mail_from = tenant.mail_from_domain
    if len(mail_from) > names.MAX_NAME_OCTETS:
        yield Fault(
            f"must make a name of at most {names.MAX_NAME_OCTETS} octets with the subdomain, makes {len(mail_from)}",
            'use "mail"',
            ("mail_from",),
        )
    yield from _mta_sts(tenant)
    yield from _report_names(tenant)
    redirect = tenant.tracking.redirect_domain
    if redirect is None:
        return
    if not names.is_below(redirect, tenant.subdomain):
        yield Fault(
            f'must be below the subdomain "{tenant.subdomain}"',
            f'use "links.{tenant.subdomain}"',
            ("tracking", "redirect_domain"),
        )
        return
    clashes = {mail_from: "the MAIL FROM domain"}
    if tenant.mta_sts is not None:
        clashes[_mta_sts_host(tenant)] = "the host of the MTA-STS policy"
    clashing = [what for name, what in clashes.items() if redirect == name or names.is_below(redirect, name)]
    if tenant.tracking.clicks and not clashing:
        yield Fault(
            "must not be set while clicks are recorded (links of https would lead to it, where the certificate is Amazon's, and "
            "browsers warn)",
            "set tracking.clicks: false, or remove redirect_domain",
            ("tracking", "redirect_domain"),
        )
    for what in clashing:
        yield Fault(
            f"must not be {what} or below it (its CNAME would clash with the records there)",
            f'use "links.{tenant.subdomain}"',
            ("tracking", "redirect_domain"),
        )


def _mta_sts(tenant: _Tenant) -> Iterator[Fault]:
    if tenant.mta_sts is None:
        return
    host = _mta_sts_host(tenant)
    if tenant.mail_from_domain == host:
        yield Fault(
            "must not be the label of the MTA-STS policy's host (its CNAME would clash with the MX there)",
            'use "mail"',
            ("mail_from",),
        )
    if tenant.mta_sts.policy_host == host:
        yield Fault(
            "must be the name behind it, not the name that senders ask for (its CNAME would lead to itself)",
            "name the web server, such as d111111abcdef8.cloudfront.net",
            ("mta_sts", "policy_host"),
        )


def _report_names(tenant: _Tenant) -> Iterator[Fault]:
    """Too long names of records in other domains, which permit the tenant's reports: one makes a whole zone file invalid."""
    for record in report_authorization_records(subdomain=tenant.subdomain, dmarc_rua=tenant.dmarc_rua):
        if len(record.name) > names.MAX_NAME_OCTETS:
            domain = record.name.removeprefix(f"{tenant.subdomain}._report._dmarc.")
            yield Fault(
                f"must make a name of at most {names.MAX_NAME_OCTETS} octets with the subdomain, by which {domain} takes its "
                f"reports (RFC 9990 4), makes {len(record.name)}",
                "take reports at an address of the subdomain itself, or of a domain with a shorter name",
                ("dmarc", "rua"),
            )


def _mta_sts_host(tenant: _Tenant) -> str:
    """Source: RFC 8461 3.3."""
    return f"mta-sts.{tenant.subdomain}"
