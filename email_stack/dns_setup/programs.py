"""The records as DNS code: Terraform for Route 53, and DNSControl."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from constructs_lib.records import DnsRecord, txt_strings
from email_stack.dns_setup.model import DnsSetup, mx_parts, one_line, relative, target
from email_stack.dns_setup.texts import TEXTS

__all__ = ["dnscontrol", "terraform"]

_PURPOSES: Final = TEXTS["en"].purposes


def terraform(dns_setup: DnsSetup) -> str:
    """HCL with one `aws_route53_record` a record set, named by tenant, purpose and number.

    Names of variables have the tenant's id too, so that files of several tenants can share a folder: `<id>_zone_id` is the zone's
    id, and `<id>_optional_records = true` adds the optional records. Records of another zone are comments, because that zone has
    an id of its own. A long TXT value has `\\"\\"` between its parts, as the provider adds only the outer quotes.
    """
    heading = f"# DNS records for {dns_setup.subdomain} ({one_line(dns_setup.tenant)}), for the zone {dns_setup.zone}."
    own = _identifier(dns_setup.tenant)
    blocks = [heading, _variable(f"{own}_zone_id", "string", f"Route 53 hosted zone id of {dns_setup.zone}.")]
    if dns_setup.own_optional:
        about = "Whether to make the records that e-mail works without, and is better with."
        blocks.append(_variable(f"{own}_optional_records", "bool", about, default="false"))
    numbers: Counter[str] = Counter()
    blocks += [_resource(own, record, numbers) for record in dns_setup.own_required]
    blocks += [
        _resource(own, record, numbers, count=f"var.{own}_optional_records ? 1 : 0")
        for record in dns_setup.own_optional
    ]
    for owner, records in dns_setup.elsewhere.items():
        resources = "\n\n".join(_resource(own, record, numbers) for record in records)
        commented = "\n".join(f"# {line}".rstrip() for line in resources.split("\n"))
        blocks.append(f"# {dns_setup.why_elsewhere(owner)}\n{commented}")
    return "\n\n".join(blocks) + "\n"


def dnscontrol(dns_setup: DnsSetup) -> str:
    """JavaScript that extends a domain of `dnsconfig.js`: `D_EXTEND` with relative names and absolute targets.

    It is plain ECMAScript 5, so arguments have no trailing comma. Optional records are in a `D_EXTEND` of their own. Records of
    another zone are comments.
    """
    blocks = [
        f"// DNS records for {dns_setup.subdomain} ({one_line(dns_setup.tenant)}).\n"
        f'// Put this behind D("{dns_setup.zone}", ...) in dnsconfig.js.'
    ]
    if dns_setup.own_required:
        blocks.append(_extend(dns_setup.zone, dns_setup.own_required))
    if dns_setup.own_optional:
        about = "// Optional: e-mail works without these records, and is better with them."
        blocks.append(f"{about}\n{_extend(dns_setup.zone, dns_setup.own_optional)}")
    for owner, records in dns_setup.elsewhere.items():
        commented = "\n".join(f"// {line}" for line in _extend(owner, records).split("\n"))
        blocks.append(f"// {dns_setup.why_elsewhere(owner)}\n{commented}")
    return "\n\n".join(blocks) + "\n"


def _variable(name: str, kind: str, about: str, default: str | None = None) -> str:
    lines = [f'variable "{name}" {{', f"  type        = {kind}", f"  description = {_hcl(about)}"]
    lines += [f"  default     = {default}"] if default is not None else []
    return "\n".join([*lines, "}"])


def _identifier(tenant: str) -> str:
    """The tenant's id as the first part of Terraform's names, which begin with a letter."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", tenant)
    return plain if plain[:1].isalpha() else f"tenant_{plain}"


def _resource(own: str, record: DnsRecord, numbers: Counter[str], count: str | None = None) -> str:
    kind = record.purpose.value.replace("-", "_")
    numbers[kind] += 1
    values = ", ".join(_hcl(_route53(record, value)) for value in record.values)
    lines = [f"# {_PURPOSES[record.purpose]}", f'resource "aws_route53_record" "{own}_{kind}_{numbers[kind]}" {{']
    lines += [f"  count   = {count}"] if count is not None else []
    lines += [
        f"  zone_id = var.{own}_zone_id",
        f"  name    = {_hcl(record.name)}",
        f"  type    = {_hcl(record.type)}",
        f"  ttl     = {record.ttl_seconds}",
        f"  records = [{values}]",
        "}",
    ]
    return "\n".join(lines)


def _route53(record: DnsRecord, value: str) -> str:
    if record.type != "TXT":
        return value.rstrip(".")
    return '""'.join(part.replace("\\", "\\\\").replace('"', '\\"') for part in txt_strings(value))


def _hcl(text: str) -> str:
    # Of a run of $ or % before a brace, the last is doubled, and the others are written by number: `$$${` has two readings.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"(\$+|%+)\{", _hcl_introduction, escaped) + '"'


def _hcl_introduction(match: re.Match[str]) -> str:
    run = match[1]
    return f"\\u{ord(run[0]):04x}" * (len(run) - 1) + run[0] * 2 + "{"


def _extend(zone: str, records: Iterable[DnsRecord]) -> str:
    calls = [(record, value) for record in records for value in record.values]
    lines = [f"D_EXTEND({json.dumps(zone)},"]
    about = None
    for at, (record, value) in enumerate(calls, start=1):
        if record.purpose is not about:
            about = record.purpose
            lines.append(f"  // {_PURPOSES[record.purpose]}")
        lines.append(f"  {_call(record, value, zone)}{',' if at < len(calls) else ''}")
    return "\n".join([*lines, ");"])


def _call(record: DnsRecord, value: str, zone: str) -> str:
    arguments = [json.dumps(relative(record.name, zone))]
    if record.type == "MX":
        preference, host = mx_parts(value)
        arguments += [str(preference), json.dumps(f"{host}.")]
    else:
        arguments.append(json.dumps(target(record, value)))
    return f"{record.type}({', '.join(arguments)}, TTL({record.ttl_seconds}))"
