"""`dns-check` and `dns-records` as they are run, on real name servers, with two tenants that AWS has made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from constructs_lib.records import DkimToken, report_authorization_records
from email_stack.cli.commands import dns_check, dns_records
from email_stack.cli.main import app
from email_stack.cli.output import ExitCode
from email_stack.config import Cell, Tenant, load
from email_stack.config.tenant_records import zone_records
from email_stack.dnscheck.model import SesState
from email_stack.operations.deployed import Deployed
from tests.dnscheck.customers import records, zone_text
from tests.nameservers import Internet

__all__ = [
    "ACME",
    "BROKEN",
    "CUSTOMER",
    "DELEGATION",
    "HARBOR",
    "KEYS",
    "OURS",
    "POST",
    "RECORDS",
    "RIGHT",
    "SPF",
    "TENANTS",
    "Case",
    "S",
    "harbor",
    "judge",
    "right_config",
    "run",
    "said",
]

HARBOR = "harbor.example"
S = f"tickets.{HARBOR}"
SPF = (S, "TXT")
RUA = [f"dmarc@{HARBOR}"]
RECORDS = (
    *records(S, dmarc_policy="reject", dmarc_rua=RUA),
    *report_authorization_records(subdomain=S, dmarc_rua=RUA),
)
RIGHT = zone_text(RECORDS)
KEYS = f"_domainkey.{S}"
BROKEN = "broken.example"
ACME = "acme.example"
POST = f"post.{ACME}"
OURS = [f"ns-{number}.awsdns.example" for number in (1, 2, 3, 4)]
CUSTOMER = ["ns1.dns.example", "ns2.dns.example"]
DELEGATION = "\n".join(f"{POST}. 60 IN NS {server}." for server in OURS)
TENANTS = f"""
cells: {{eu: {{region: eu-central-1}}}}
tenants:
  - {{id: harbor, subdomain: {S}, dns: self-managed, dmarc: {{policy: reject, rua: [dmarc@{HARBOR}]}}}}
  - {{id: acme, subdomain: {POST}}}
"""


@dataclass(frozen=True)
class Case:
    """A state, and what the command is to say of it.

    Args:
        name: of the state.
        make: brings it about where everything was right.
        record: name and type of the record that is looked at; of none, all records are.
        status: its verdict.
        said: what its remedy holds, in this order.
        unsaid: what it does not hold.
        code: the command's exit code.
        tenant: who is checked.
    """

    name: str
    make: Callable[[Internet], None]
    record: tuple[str, str] | None
    status: str
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    code: ExitCode = ExitCode.DIFFERENT
    tenant: str = "harbor"


def harbor(lines: str) -> Callable[[Internet], None]:
    """The zone's lines at both servers."""
    return lambda internet: internet.serve(HARBOR, lines, internet.customer)


@pytest.fixture(name="config")
def right_config(internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Both tenants' DNS is right, and AWS has made of them what is read of it."""
    for command in (dns_check, dns_records):
        monkeypatch.setattr(command, "checked_account", lambda _cell: None)
        monkeypatch.setattr(command, "deployed", deployed)
    written = tmp_path / "tenants.yaml"
    written.write_text(TENANTS)
    loaded = load(written)
    tenant, cell = loaded.tenant("acme"), loaded.cell("eu")
    with internet.at_once():
        internet.serve(HARBOR, RIGHT, internet.customer)
        internet.serve(ACME, "", internet.customer)
        internet.serve(POST, zone_text(zone_records(tenant, cell, deployed(tenant, cell).dkim)), internet.ours)
    yield written
    internet.old.load({}, gone=[HARBOR])
    internet.remove(*(zone for zone in (KEYS, BROKEN, POST, HARBOR, ACME) if internet.has(zone)))


def deployed(tenant: Tenant, _cell: Cell) -> Deployed:
    """A tenant's deployment."""
    keys = (DkimToken(name=f"{one}._domainkey.{tenant.subdomain}", target=f"{one}.dkim.amazonses.com") for one in "abc")
    ses = SesState(identity="SUCCESS", dkim="SUCCESS", mail_from="SUCCESS")
    return Deployed(dkim=tuple(keys), name_servers=tuple(OURS), ses=ses)


def said(internet: Internet, config: Path, tenant: str) -> tuple[int, dict[str, Any]]:
    """The command's exit code, and what it says of the tenant."""
    code, printed = run(internet, config, "dns-check", tenant, "--json")
    [report] = json.loads(printed)["tenants"]
    return code, report


def run(internet: Internet, config: Path, *command: str) -> tuple[int, str]:
    """A command's exit code and output, nothing cached."""
    internet.flush()
    resolver = f"{internet.resolver.address}#{internet.resolver.port}"
    options = ["--config", str(config), "--resolver", resolver, "--server-port", str(internet.port)]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.stdout, done.output
    return done.exit_code, done.stdout


def judge(internet: Internet, config: Path, case: Case) -> None:
    """The verdict, the exit code, and what to do."""
    case.make(internet)
    code, report = said(internet, config, case.tenant)
    found = [one for one in report["records"] if case.record in {None, (one["name"], one["type"])}]
    assert {one["status"] for one in found} == {case.status}, [one["fix"] for one in found]
    assert code == case.code
    for words in case.said:
        assert words in found[0]["fix"]
    for words in case.unsaid:
        assert words not in found[0]["fix"]
