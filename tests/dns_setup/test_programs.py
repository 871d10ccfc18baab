"""Terraform's HCL is parsed, DNSControl's JavaScript is run, and both give back the model."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import dns.rdata
import hcl2
import pytest
from dns.rdtypes.ANY.TXT import TXT
from hypothesis import given, settings

from constructs_lib.records import DnsRecord, Purpose
from email_stack.dns_setup.formats import DnsSetup, Format, render
from email_stack.synthesis.toolchain import node_executable
from tests.dns_setup.samples import Flat, delegated, dns_setups, flat, of_records, self_managed


def _unquoted(literal: str) -> str:
    """The text of an HCL string literal: escapes, and doubled introductions of templates."""
    assert literal[0] == literal[-1] == '"'
    body = re.sub(r"(?<!\\)((?:\\\\)*)([$%])\2\{", r"\1\2{", literal[1:-1])
    return re.sub(r'\\(?:u([0-9a-f]{4})|(["\\]))', lambda match: chr(int(match[1], 16)) if match[1] else match[2], body)


def _resources(text: str) -> dict[str, dict[str, Any]]:
    return {
        name.strip('"'): body
        for block in hcl2.loads(text).get("resource", [])
        for name, body in block['"aws_route53_record"'].items()
    }


def _from_rdata(text: str) -> str:
    rdata = dns.rdata.from_text("IN", "TXT", text)
    assert isinstance(rdata, TXT)
    assert all(len(part) <= 255 for part in rdata.strings)
    return b"".join(rdata.strings).decode()


def _from_terraform(text: str) -> set[Flat]:
    found: set[Flat] = set()
    for body in _resources(text).values():
        kind = _unquoted(body["type"])
        values = [_unquoted(value) for value in body["records"]]
        # The provider adds the outer quotes, and Route 53 reads the rest as a zone file does.
        meant = [_from_rdata(f'"{value}"') for value in values] if kind == "TXT" else values
        found.add((_unquoted(body["name"]), kind, body["ttl"], frozenset(meant)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("dns_setup", [self_managed(), delegated()])
def test_terraform_holds_exactly_the_records(dns_setup: DnsSetup) -> None:
    """python-hcl2 reads every record of the zone back, and none of another zone."""
    text = render(dns_setup, Format.TERRAFORM)
    assert _from_terraform(text) == flat((*dns_setup.required, *dns_setup.optional))


@given(dns_setup=dns_setups())
@settings(max_examples=25, deadline=None)
def test_terraform_round_trips(dns_setup: DnsSetup) -> None:
    """Any records come back, their text never taken for a template."""
    text = render(dns_setup, Format.TERRAFORM)
    assert _from_terraform(text) == flat(dns_setup.records)


def test_terraform_names_are_stable() -> None:
    """Resources are named by tenant, purpose and number, so that a new optional record renames none."""
    dns_setup = self_managed()
    found = list(_resources(render(dns_setup, Format.TERRAFORM)))
    assert all(name.startswith(f"{dns_setup.tenant}_") for name in found)
    names = [name.removeprefix(f"{dns_setup.tenant}_") for name in found]
    assert names[:8] == ["dkim_1", "dkim_2", "dkim_3", "inbound_1", "mail_from_1", "spf_1", "spf_2", "dmarc_1"]
    assert names[8:] == ["tls_reports_1", "mta_sts_1", "mta_sts_2", "dmarc_reports_1"]


def test_terraform_makes_optional_records_only_when_asked() -> None:
    """They hang on a variable that is false; the required ones do not, and nothing overwrites what is there."""
    text, own = render(self_managed(), Format.TERRAFORM), self_managed().tenant
    resources = _resources(text)
    assert "count" not in resources[f"{own}_dkim_1"]
    assert resources[f"{own}_mta_sts_1"]["count"] == f"${{var.{own}_optional_records ? 1 : 0}}"
    assert all(body["zone_id"] == f"${{var.{own}_zone_id}}" for body in resources.values())
    assert "allow_overwrite" not in text
    variables = {name.strip('"'): body for block in hcl2.loads(text)["variable"] for name, body in block.items()}
    assert variables[f"{own}_optional_records"]["default"] is False
    assert "default" not in variables[f"{own}_zone_id"]
    assert "optional_records" not in render(delegated(), Format.TERRAFORM)


def test_terraform_of_two_tenants_shares_a_folder() -> None:
    """No variable or resource of one tenant is called like one of another, whatever their ids begin with."""
    texts = [
        render(replace(self_managed(), tenant=tenant), Format.TERRAFORM) for tenant in ("one", "two", "2", "a-b", "a_b")
    ]
    resources = [name for text in texts for name in _resources(text)]
    variables = [name for text in texts for block in hcl2.loads(text)["variable"] for name in block]
    assert len(resources) == len(set(resources)) == 12 * len(texts)
    assert len(variables) == len(set(variables)) == 2 * len(texts)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) for name in resources)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="Terraform is not installed")
def test_terraform_itself_takes_the_folder(tmp_path: Path) -> None:
    """In its own format, and without a name twice: it loads both files, and refuses a folder with one of them twice.

    `terraform validate` would also ask the AWS provider, which is nowhere but in its registry.
    """

    def terraform(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
        command = ["terraform", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    for tenant in ("one", "two"):
        text = render(replace(self_managed(), tenant=tenant), Format.TERRAFORM)
        (tmp_path / f"{tenant}.tf").write_text(text, encoding="utf-8")
    done = terraform("fmt", "-check", "-diff")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    done = terraform("get")
    assert done.returncode == 0, done.stderr
    shutil.copy(tmp_path / "one.tf", tmp_path / "again.tf")
    done = terraform("get", "-no-color")
    assert done.returncode == 1
    assert "Duplicate variable declaration" in done.stderr
    assert "Duplicate resource" in done.stderr


def test_terraform_splits_long_text_as_the_provider_wants() -> None:
    r"""A value over 255 octets has `\"\"` between its parts."""
    record = DnsRecord(name="a.acme.example", type="TXT", values=("x" * 300,), purpose=Purpose.SPF)
    assert f'records = ["{"x" * 255}\\"\\"{"x" * 45}"]' in render(of_records(record), Format.TERRAFORM)


def test_terraform_escapes_templates() -> None:
    """`${` and `%{` are doubled, so that Terraform takes them as text."""
    record = DnsRecord(name="a.acme.example", type="TXT", values=("${a} %{b} $${c}",), purpose=Purpose.SPF)
    assert r'records = ["$${a} %%{b} \u0024$${c}"]' in render(of_records(record), Format.TERRAFORM)


def test_terraform_comments_hold_what_belongs_elsewhere() -> None:
    """The block for another zone is whole: without its comment signs it gives that zone's records."""
    text = render(self_managed(), Format.TERRAFORM)
    block = text.partition("zone that holds vendor.example.\n")[2]
    assert all(line.startswith("#") for line in block.splitlines())
    uncommented = "\n".join(line.removeprefix("#").removeprefix(" ") for line in block.splitlines())
    assert _from_terraform(uncommented) == flat(self_managed().outside["vendor.example"])


_RECORDER = """
var found = [];
function TTL(seconds) { return { ttl: seconds }; }
function recorder(type) {
  return function () {
    var args = Array.prototype.slice.call(arguments);
    return { type: type, host: args[0], ttl: args[args.length - 1].ttl, data: args.slice(1, -1).join(" ") };
  };
}
var A = recorder("A"), AAAA = recorder("AAAA"), CNAME = recorder("CNAME"), MX = recorder("MX"), NS = recorder("NS");
var TXT = recorder("TXT");
function D_EXTEND(zone) {
  Array.prototype.slice.call(arguments, 1).forEach(function (record) { record.zone = zone; found.push(record); });
}
"""


def _from_dnscontrol(text: str) -> set[Flat]:
    program = f"{_RECORDER}\n{text}\nconsole.log(JSON.stringify(found));"
    ran = subprocess.run([str(node_executable())], input=program, capture_output=True, check=True, text=True)
    values: dict[tuple[str, str, int], set[str]] = {}
    for one in json.loads(ran.stdout):
        name = one["zone"] if one["host"] == "@" else f"{one['host']}.{one['zone']}"
        if one["type"] in {"CNAME", "MX", "NS"}:
            assert one["data"].endswith(".")
        data = one["data"] if one["type"] == "TXT" else one["data"].rstrip(".")
        values.setdefault((name, one["type"], one["ttl"]), set()).add(data)
    return {(*key, frozenset(found)) for key, found in values.items()}


@pytest.mark.parametrize("dns_setup", [self_managed(), self_managed(zone=self_managed().subdomain), delegated()])
def test_dnscontrol_runs_to_exactly_the_records(dns_setup: DnsSetup) -> None:
    """Run with functions that record, the snippet makes the zone's records and no other."""
    assert _from_dnscontrol(render(dns_setup, Format.DNSCONTROL)) == flat((*dns_setup.required, *dns_setup.optional))


@given(dns_setup=dns_setups())
@settings(max_examples=10, deadline=None)
def test_dnscontrol_round_trips(dns_setup: DnsSetup) -> None:
    """Any records come back from running the snippet."""
    assert _from_dnscontrol(render(dns_setup, Format.DNSCONTROL)) == flat(dns_setup.records)


def test_dnscontrol_is_old_javascript() -> None:
    """No trailing comma among arguments, which ECMAScript 5 refuses; optional ones stand in a call of their own."""
    text = render(self_managed(), Format.DNSCONTROL)
    assert re.search(r",\s*\)", text) is None
    required, optional, *_ = re.findall(r"^D_EXTEND\(.*?^\);$", text, re.MULTILINE | re.DOTALL)
    assert _from_dnscontrol(required) == flat(self_managed().required)
    assert _from_dnscontrol(optional) == flat(self_managed().optional)


def test_dnscontrol_comments_hold_what_belongs_elsewhere() -> None:
    """Without its comment signs, the last block gives the other zone's records."""
    block = render(self_managed(), Format.DNSCONTROL).partition("zone that holds vendor.example.\n")[2]
    uncommented = "\n".join(line.removeprefix("// ") for line in block.splitlines())
    assert _from_dnscontrol(uncommented) == flat(self_managed().outside["vendor.example"])
