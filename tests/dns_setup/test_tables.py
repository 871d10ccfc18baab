"""CSV and JSON hold every record, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict

from hypothesis import given

from constructs_lib.records import txt_strings
from email_stack.dns_setup.formats import DnsSetup, Format, render
from email_stack.dns_setup.tables import COLUMNS
from tests.dns_setup.samples import ZONE, Flat, delegated, dns_setups, flat, self_managed


def _rows(dns_setup: DnsSetup) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(dns_setup, Format.CSV), newline=""), strict=True))


def _from_csv(dns_setup: DnsSetup) -> set[Flat]:
    values: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for row in _rows(dns_setup):
        value = f"{row['priority']} {row['value']}" if row["type"] == "MX" else row["value"]
        name = row["zone"] if row["host"] == "@" else f"{row['host']}.{row['zone']}"
        assert name.lower() == row["name"].lower()
        values[name.lower(), row["type"], int(row["ttl"])].add(value)
    return {(*key, frozenset(found)) for key, found in values.items()}


@given(dns_setup=dns_setups())
def test_csv_round_trips(dns_setup: DnsSetup) -> None:
    """Any records come back, by their full name and by host and zone alike."""
    assert _from_csv(dns_setup) == flat(dns_setup.records)


def test_csv_is_rfc_4180() -> None:
    """A heading, CRLF, one row a value, and a comma inside a value in quotes."""
    text = render(self_managed(), Format.CSV)
    lines = text.split("\r\n")
    assert lines[0] == ",".join(COLUMNS)
    assert lines[-1] == ""
    assert "\n" not in text.replace("\r\n", "")
    assert len(_rows(delegated())) == 5
    dmarc = next(row for row in _rows(self_managed()) if row["purpose"] == "dmarc")
    assert len(dmarc["value"]) > 255
    assert dmarc["value"].count(",") == 12


def test_csv_tells_mx_priority_and_foreign_zones() -> None:
    """MX is split in priority and host; what lies outside names its own zone."""
    rows = {(row["purpose"], row["type"]): row for row in _rows(self_managed())}
    inbound = rows["inbound", "MX"]
    assert (inbound["priority"], inbound["value"]) == ("10", "inbound-smtp.eu-central-1.amazonaws.com")
    assert rows["spf", "TXT"]["priority"] == ""
    assert rows["tracking", "CNAME"]["zone"] == "elsewhere.example"
    assert rows["tracking", "CNAME"]["required"] == "no"
    assert inbound["required"] == "yes"


def test_csv_holds_no_formula() -> None:
    """No cell begins as a formula does; the lone "@" of the zone itself names no function, and so is none."""
    apex = self_managed(zone=self_managed().subdomain)
    cells = [
        cell for dns_setup in (self_managed(), apex, delegated()) for row in _rows(dns_setup) for cell in row.values()
    ]
    assert {cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))} == {"@"}


@given(dns_setup=dns_setups())
def test_json_round_trips(dns_setup: DnsSetup) -> None:
    """Any records come back from their meaning, and TXT from its written form too."""
    document = json.loads(render(dns_setup, Format.JSON))
    found = {(one["name"].lower(), one["type"], one["ttl"], frozenset(one["values"])) for one in document["records"]}
    assert found == flat(dns_setup.records)
    for one, record in zip(document["records"], dns_setup.records, strict=True):
        assert one["required"] is record.required
        assert len(one["rdata"]) == len(record.values)
        if record.type == "TXT":
            assert tuple(one["rdata"]) == record.rdata()


def test_json_says_whose_zone_and_how_it_reads() -> None:
    """The Unicode form stands beside the A-labels; targets are absolute in rdata alone."""
    document = json.loads(render(self_managed(), Format.JSON))
    assert {key: document[key] for key in ("tenant", "subdomain", "subdomain_unicode", "zone")} == {
        "tenant": "acme",
        "subdomain": f"post.{ZONE}",
        "subdomain_unicode": "post.müller.example",
        "zone": ZONE,
    }
    by_purpose = {one["purpose"]: one for one in document["records"]}
    assert set(by_purpose["dmarc"]) == {
        "name", "host", "type", "ttl", "values", "rdata", "purpose", "required", "in_zone", "zone"
    }  # fmt: skip
    assert by_purpose["inbound"]["values"] == ["10 inbound-smtp.eu-central-1.amazonaws.com"]
    assert by_purpose["inbound"]["rdata"] == ["10 inbound-smtp.eu-central-1.amazonaws.com."]
    assert by_purpose["dmarc"]["rdata"][0].count('"') == 2 * len(txt_strings(by_purpose["dmarc"]["values"][0]))
    assert by_purpose["tracking"]["in_zone"] is False
    assert by_purpose["tracking"]["host"] == "click"
