"""A tenant's entry in the registry of its cell, with its address book."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import FLAG, Rule, check_props, parts, placed
from constructs_lib.faults import shown
from constructs_lib.limits import MOST_BOOK_BYTES, book_bytes
from constructs_lib.sections import Retention, Tracking
from mailroom.addresses import AddressBook
from mailroom.registry import Entry
from mailroom.store.address_book import METADATA, book_as_json

__all__ = ["TenantEntry", "TenantEntryProps"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantEntryProps:
    """Props of `TenantEntry`.

    Args:
        tenant_id: permanent id.
        registry_path: prefix of the parameter's name, with a slash at both ends.
        configuration_set_name: configuration set of all the tenant's mail; the rest of the parameter's name.
        table_name: table of the tenant's messages. Its policy must admit the functions, see `SharedFunctions.table_statements`.
        book: the address book.
        tracking: form of suppressed addresses. Default: as a digest.
        retention: how long events are kept, as for messages. Default: without limit.
    """

    tenant_id: str
    registry_path: str
    configuration_set_name: str
    table_name: str
    book: AddressBook
    tracking: Tracking = field(default_factory=Tracking)
    retention: Retention = field(default_factory=Retention)


class TenantEntry(Construct):
    """Names a configuration set's table, its retention and the address book to the functions of a cell.

    Creates 1 parameter of Systems Manager (standard, which costs nothing). Its value has table, retention and digest of the book.
    The book is metadata in the template; `AddressBookWriter` reads it from CloudFormation.

    Raises:
        ValueError: `tenant_id` is no identifier, the book is bigger than `MOST_BOOK_BYTES`, or a text holds `{{` or a `${` that is
            no token (`check_texts`).

    Source: CloudFormation user guide, "Metadata attribute"; Systems Manager user guide, "Managing parameter tiers".
    """

    def __init__(self, scope: Construct, id: str, props: TenantEntryProps) -> None:
        super().__init__(scope, id)
        where = f"entry of tenant {shown(props.tenant_id)}"
        check_props(self, where, _rules(props), props)
        if (size := book_bytes(props.book)) > MOST_BOOK_BYTES:
            with placed(self):
                raise ValueError(
                    f"{where}: book must take at most {MOST_BOOK_BYTES:,} bytes, got {size:,} for "
                    f"{len(props.book.addresses):,} addresses; designate fewer, or receive at all with catch_all"
                )
        book = book_as_json(props.book)
        entry = Entry(
            tenant=props.tenant_id,
            stack=cdk.Aws.STACK_ID,
            table=props.table_name,
            retention_days=props.retention.messages_days,
            plain_addresses=props.tracking.suppressed_addresses == "plain",
            book=hashlib.sha256(json.dumps(book, sort_keys=True).encode()).hexdigest(),
        )
        parameter = ssm.CfnParameter(
            self,
            "Parameter",
            name=f"{props.registry_path}{props.configuration_set_name}",
            type="String",
            value=cdk.Stack.of(self).to_json_string(entry.as_json()),
            description=f"Table, retention and address book of tenant {props.tenant_id}",
        )
        parameter.add_metadata(METADATA, book)
        self.parameter = parameter


def _rules(props: TenantEntryProps) -> dict[str, Rule]:
    subdomain = props.book.subdomain if isinstance(props.book, AddressBook) else ""
    book = {"subdomain": rules.DOMAIN, "addresses": rules.addresses_of(subdomain), "catch_all": FLAG, "live": FLAG}
    return {
        "tenant_id": rules.IDENTIFIER,
        "registry_path": rules.REGISTRY_PATH,
        "configuration_set_name": rules.CONFIGURATION_SET,
        "table_name": rules.TABLE_NAME,
        "book": parts(AddressBook, book, "use AddressBook(subdomain=..., addresses=...)"),
        "tracking": rules.TRACKING,
        "retention": rules.RETENTION,
    }
