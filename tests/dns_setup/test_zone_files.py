"""The zone file is read by BIND, the YAML by octoDNS, and both read what the model holds."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given, settings
from octodns.provider.yaml import YamlProvider  # type: ignore[import-untyped] # octoDNS has no types
from octodns.zone import Zone  # type: ignore[import-untyped] # as above

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dns_setup.formats import DnsSetup, Format, render
from tests.dns_setup.samples import Flat, delegated, dns_setups, flat, of_records, self_managed

_APEX = "@ 3600 IN SOA ns.invalid. hostmaster.invalid. 1 7200 900 1209600 3600\n@ 3600 IN NS ns.invalid.\n"


def _inside(dns_setup: DnsSetup) -> tuple[DnsRecord, ...]:
    return (*dns_setup.required, *dns_setup.optional)


def _from_zone_text(text: str, origin: str) -> set[Flat]:
    zone = dns.zone.from_text(text, origin=f"{origin}.", relativize=False, check_origin=False)
    return {
        (
            name.to_text(omit_final_dot=True).lower(),
            dns.rdatatype.to_text(rdataset.rdtype),
            rdataset.ttl,
            frozenset(
                b"".join(rdata.strings).decode()
                if rdataset.rdtype == dns.rdatatype.TXT
                else rdata.to_text().rstrip(".").lower()
                for rdata in rdataset
            ),
        )
        for name, rdataset in zone.iterate_rdatasets()
    }


def _compiled(dns_setup: DnsSetup, folder: Path) -> set[Flat]:
    (folder / "fragment").write_text(render(dns_setup, Format.BIND), encoding="ascii")
    (folder / "zone").write_text(f'{_APEX}$INCLUDE "{folder / "fragment"}"\n', encoding="ascii")
    # The names outside the zone are nobody's here: only what is inside is checked.
    checks = ["-i", "local", dns_setup.zone, str(folder / "zone")]
    subprocess.run(["named-checkzone", *checks], check=True, capture_output=True)
    command = ["named-compilezone", "-s", "full", "-o", str(folder / "compiled"), *checks]
    subprocess.run(command, check=True, capture_output=True)
    found = _from_zone_text((folder / "compiled").read_text(encoding="ascii"), dns_setup.zone)
    return {one for one in found if one[:2] not in {(dns_setup.zone, "SOA"), (dns_setup.zone, "NS")}}


@pytest.mark.parametrize("dns_setup", [self_managed(), self_managed(zone=self_managed().subdomain), delegated()])
def test_bind_reads_exactly_the_records(dns_setup: DnsSetup, tmp_path: Path) -> None:
    """named-checkzone accepts the fragment, and named-compilezone gives back the model."""
    assert _compiled(dns_setup, tmp_path) == flat(_inside(dns_setup))


@pytest.mark.slow
@given(dns_setup=dns_setups())
def test_zone_file_round_trips(dns_setup: DnsSetup) -> None:
    """Any records come back from the fragment as they went in."""
    assert _from_zone_text(render(dns_setup, Format.BIND), dns_setup.zone) == flat(dns_setup.records)


@given(dns_setup=dns_setups())
@settings(max_examples=10, deadline=None)
def test_bind_reads_any_text(dns_setup: DnsSetup) -> None:
    """named-compilezone gives back any TXT value."""
    texts = replace(dns_setup, records=tuple(record for record in dns_setup.records if record.type == "TXT"))
    with tempfile.TemporaryDirectory() as folder:
        assert _compiled(texts, Path(folder)) == flat(texts.records)


def test_zone_file_says_what_each_group_is_for() -> None:
    """Comments head each group; what belongs elsewhere is all comment, under its zone's name."""
    text = render(self_managed(), Format.BIND)
    inside, _, outside = text.partition("; Not for this zone: these belong to the zone that holds elsewhere.example.")
    required, _, optional = inside.partition("\n; Optional: e-mail works without these records")
    assert "\n; DKIM signature\n" in required
    assert "_mta-sts" in optional
    assert "_mta-sts" not in required
    assert "; Not for this zone: these belong to the zone that holds vendor.example." in outside
    assert "._report._dmarc.vendor.example. 3600 IN TXT" in outside
    assert all(line.startswith(";") for line in outside.split("\n") if line)


def _from_octodns(text: str, zone_name: str) -> set[Flat]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{zone_name}.yaml").write_text(text, encoding="ascii")
        zone = Zone(f"{zone_name}.", [])
        YamlProvider("test", folder, escaped_semicolons=True).populate(zone)
    return {
        (record.fqdn.rstrip("."), record._type, record.ttl, frozenset(_octodns_values(record)))
        for record in zone.records
    }


def _octodns_values(record: object) -> Iterable[str]:
    values = getattr(record, "values", None) or [record.value]  # type: ignore[attr-defined] # octoDNS has no types
    for value in values:
        if hasattr(value, "preference"):
            yield f"{value.preference} {value.exchange.rstrip('.')}"
        else:
            yield value.to_raw_text() if hasattr(value, "to_raw_text") else str(value).rstrip(".")


@pytest.mark.parametrize("dns_setup", [self_managed(), self_managed(zone=self_managed().subdomain), delegated()])
def test_octodns_reads_exactly_the_records(dns_setup: DnsSetup) -> None:
    """octoDNS' own provider, with its validation and its order of keys, gives back the model."""
    assert _from_octodns(render(dns_setup, Format.OCTODNS), dns_setup.zone) == flat(_inside(dns_setup))


@given(dns_setup=dns_setups())
@settings(deadline=None)
def test_octodns_round_trips(dns_setup: DnsSetup) -> None:
    """Any records come back, but TXT with a backslash before a semicolon, which octoDNS itself refuses."""
    records = tuple(one for one in dns_setup.records if not any("\\;" in value for value in one.values))
    readable = replace(dns_setup, records=records)
    assert _from_octodns(render(readable, Format.OCTODNS), dns_setup.zone) == flat(records)


def test_octodns_marks_optional_and_comments_outside() -> None:
    """An optional record says so; one of another zone is a comment that can be taken over there."""
    text = render(self_managed(), Format.OCTODNS)
    assert '"_mta-sts.post":\n  # Optional: ' in text
    block = re.search(r"zone that holds vendor\.example\.\n((?:# .*\n)+)", text)
    assert block is not None
    found = _from_octodns("".join(line[2:] + "\n" for line in block[1].splitlines()), "vendor.example")
    assert found == flat(self_managed().outside["vendor.example"])


def test_octodns_orders_names_as_people_do() -> None:
    """a2 stands before a10, as the provider insists."""
    records = [
        DnsRecord(name=f"a{number}.acme.example", type="TXT", values=("x",), purpose=Purpose.SPF) for number in (10, 2)
    ]
    text = render(of_records(*records), Format.OCTODNS)
    assert text.index('"a2"') < text.index('"a10"')
