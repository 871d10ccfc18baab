"""The records for spreadsheets, panels that import, and scripts: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Final

from constructs_lib.records import DnsRecord, txt_rdata
from email_stack.dns_setup.model import DnsSetup, mx_parts, relative, target, unicode_name

__all__ = ["COLUMNS", "csv_table", "json_document"]

COLUMNS: Final = ("name", "host", "zone", "type", "ttl", "priority", "value", "purpose", "required")


def csv_table(dns_setup: DnsSetup) -> str:
    """One row a value, under a heading, by RFC 4180: CRLF, quotes where needed.

    Names and targets have no trailing dot. `host` is relative to `zone`, with "@" for the zone itself; spreadsheets do not take
    "@" alone for a formula. `priority` is the preference of an MX, and empty otherwise. TXT is unquoted and unsplit.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, dialect="excel")
    writer.writerow(COLUMNS)
    for record in dns_setup.records:
        zone = dns_setup.zone_of(record)
        for value in record.values:
            priority, plain = ("", _plain(record, value))
            if record.type == "MX":
                preference, plain = mx_parts(value)
                priority = str(preference)
            writer.writerow(
                [
                    record.name,
                    relative(record.name, zone),
                    zone,
                    record.type,
                    record.ttl_seconds,
                    priority,
                    plain,
                    record.purpose.value,
                    "yes" if record.required else "no",
                ]
            )
    return out.getvalue()


def json_document(dns_setup: DnsSetup) -> str:
    """One object a record set: `values` without trailing dots and quotes; `rdata` in the form of a zone file.

    `host` is relative to `zone`, the record's zone: the customer's, or another one if `in_zone` is false.
    """
    document = {
        "tenant": dns_setup.tenant,
        "subdomain": dns_setup.subdomain,
        "subdomain_unicode": unicode_name(dns_setup.subdomain),
        "zone": dns_setup.zone,
        "records": [_json_record(record, dns_setup) for record in dns_setup.records],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json_record(record: DnsRecord, dns_setup: DnsSetup) -> dict[str, object]:
    zone = dns_setup.zone_of(record)
    return {
        "name": record.name,
        "host": relative(record.name, zone),
        "type": record.type,
        "ttl": record.ttl_seconds,
        "values": [_plain(record, value) for value in record.values],
        "rdata": [txt_rdata(value) if record.type == "TXT" else target(record, value) for value in record.values],
        "purpose": record.purpose.value,
        "required": record.required,
        "in_zone": zone == dns_setup.zone,
        "zone": zone,
    }


def _plain(record: DnsRecord, value: str) -> str:
    return value if record.type == "TXT" else value.rstrip(".")
