"""The records for zones in files: a zone-file fragment, and octoDNS' YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from constructs_lib.records import DnsRecord, zone_file_line
from email_stack.dns_setup.model import DnsSetup, by_purpose, mx_parts, one_line, relative, target
from email_stack.dns_setup.texts import TEXTS

__all__ = ["bind", "octodns"]

_PURPOSES: Final = TEXTS["en"].purposes


def bind(dns_setup: DnsSetup) -> str:
    """A fragment for the customer's zone file. All names are absolute, so that no `$ORIGIN` is appended to them.

    Records of another zone are comments, because a zone file must not have names outside its zone (RFC 1035 5.2).
    """
    lines = [
        f"; DNS records for {dns_setup.subdomain} ({one_line(dns_setup.tenant)}), for the zone {dns_setup.zone}",
        "; $INCLUDE this file in the zone file, or paste it there; then raise the zone's serial number.",
    ]
    lines += _bind_groups(dns_setup.own_required)
    if dns_setup.own_optional:
        lines += ["", "; Optional: e-mail works without these records, and is better with them."]
        lines += _bind_groups(dns_setup.own_optional)
    for owner, records in dns_setup.elsewhere.items():
        lines += ["", f"; {dns_setup.why_elsewhere(owner)}"]
        lines += [line if line.startswith(";") or not line else f"; {line}" for line in _bind_groups(records)]
    return _text(lines)


def octodns(dns_setup: DnsSetup) -> str:
    """The zone's YAML for octoDNS' YamlProvider, with its keys in the provider's natural order.

    TXT values have `\\;` for `;`, by the provider's default (`escaped_semicolons: true`).
    """
    lines = [
        "---",
        f"# DNS records for {dns_setup.subdomain} ({one_line(dns_setup.tenant)}): merge into {dns_setup.zone}.yaml.",
        "# Written for the provider's default, escaped_semicolons: true.",
    ]
    names: dict[str, list[DnsRecord]] = {}
    for record in (*dns_setup.own_required, *dns_setup.own_optional):
        host = relative(record.name, dns_setup.zone)
        names.setdefault("" if host == "@" else host.lower(), []).append(record)
    for host in sorted(names, key=_natural):
        lines += _octodns_name(host, names[host])
    for owner, records in dns_setup.elsewhere.items():
        lines += ["", f"# {dns_setup.why_elsewhere(owner)}"]
        for record in records:
            lines += [f"# {line}" for line in _octodns_name(relative(record.name, owner), [record])]
    return _text(lines)


def _bind_groups(records: Iterable[DnsRecord]) -> list[str]:
    lines: list[str] = []
    for purpose, group in by_purpose(records):
        lines += ["", f"; {_PURPOSES[purpose]}", *(zone_file_line(record) for record in group)]
    return "\n".join(lines).split("\n") if lines else []


def _octodns_name(host: str, records: list[DnsRecord]) -> list[str]:
    lines = [f"{json.dumps(host)}:"]
    for record in sorted(records, key=lambda record: record.type):
        optional = "" if record.required else "Optional: "
        lines += [
            f"  # {optional}{_PURPOSES[record.purpose]}",
            f"  - ttl: {record.ttl_seconds}",
            f"    type: {record.type}",
            *_octodns_values(record),
        ]
    return lines


def _octodns_values(record: DnsRecord) -> list[str]:
    if record.type == "CNAME":
        return [f"    value: {json.dumps(target(record, record.values[0]))}"]
    lines = ["    values:"]
    for value in record.values:
        if record.type == "MX":
            preference, host = mx_parts(value)
            lines += [f"      - exchange: {json.dumps(f'{host}.')}", f"        preference: {preference}"]
        else:
            written = _octodns_txt(value) if record.type == "TXT" else target(record, value)
            lines.append(f"      - {json.dumps(written)}")
    return lines


def _octodns_txt(value: str) -> str:
    escaped = value.replace(";", "\\;")
    # The provider drops one pair of outer quotes, and every `" "` as a seam between parts: a seam behind each quote, and
    # an outer pair, are what it drops instead of the value's own.
    return '"' + escaped.replace('"', '"" "') + '"' if '"' in escaped else escaped


def _natural(name: str) -> list[str | int]:
    parts = re.split(r"(\d+)", name)
    return [int(part) if at % 2 else part for at, part in enumerate(parts) if part or at + 1 < len(parts)]


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
