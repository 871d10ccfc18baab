"""States of a customer's DNS that are easily judged wrongly, each through `dns-check` itself, on real name servers."""

from __future__ import annotations

import csv
import html
import io
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
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import SesState
from email_stack.operations.deployed import Deployed
from tests.dnscheck.customers import SES_SPF, records, zone_text
from tests.nameservers import Internet

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


def spf(text: str, *others: str) -> Callable[[Internet], None]:
    """The subdomain's SPF record is another."""
    lines = zone_text([one for one in RECORDS if (one.name, one.type) != SPF], f'{S}. 60 IN TXT "{text}"', *others)
    return harbor(lines)


def harbor(lines: str) -> Callable[[Internet], None]:
    """The zone's lines at both servers."""
    return lambda internet: internet.serve(HARBOR, lines, internet.customer)


def broken_include(internet: Internet) -> None:
    """An include below a zone that its server refuses."""
    spf("v=spf1 include:spf.broken.example include:amazonses.com ~all")(internet)
    internet.serve(BROKEN, "", internet.ours[:1])
    internet.refuse(internet.ours[0], BROKEN)


def moved(internet: Internet) -> None:
    """The registry names ours for the whole domain, which they refuse."""
    internet.delegate(ACME, OURS)


def apex(*lines: str) -> Callable[[Internet], None]:
    """Ours stand among the zone's own name servers."""

    def make(internet: Internet) -> None:
        internet.delegate(POST, [])
        text = "\n".join([*(f"{ACME}. 60 IN NS {server}." for server in OURS), *lines])
        internet.serve(ACME, text, internet.customer)

    return make


def at_one_parent_server(internet: Internet) -> None:
    """ns2 serves the same version of the zone, without the delegation."""
    internet.delegate(POST, [])
    serial = internet.next_serial()
    internet.serve_differently(internet.customer[0], ACME, DELEGATION, serial=serial)
    internet.serve_differently(internet.customer[1], ACME, "", serial=serial)


def old_provider(internet: Internet) -> None:
    """The registry still names a server that has none of the records."""
    internet.delegate(HARBOR, [*CUSTOMER, internet.old.name])
    internet.serve_differently(internet.old, HARBOR, "")


def one_of_two_providers(internet: Internet) -> None:
    """ns2's provider has a zone of its own, without the records."""
    internet.serve_differently(internet.customer[1], HARBOR, "", primary="ns2.dns.example", serial=7)


def delegated_keys(internet: Internet) -> None:
    """The names of the keys are a zone of their own, which is empty."""
    harbor(zone_text([one for one in RECORDS if "_domainkey" not in one.name]))(internet)
    internet.serve(KEYS, "", internet.ours[:1])


KEY = (f"a._domainkey.{S}", "CNAME")
NS = (POST, "NS")
WILDCARD_CNAME = f"*.{HARBOR}. 60 IN CNAME www.{HARBOR}.\nwww.{HARBOR}. 60 IN A 192.0.2.1"
WILDCARD_MX_TXT = f'*.{HARBOR}. 60 IN MX 10 mx.{HARBOR}.\n*.{HARBOR}. 60 IN TXT "v=spf1 mx -all"'
LEFTOVER = f"{RIGHT}\n{S}. 60 IN NS ns1.{S}."
CHANGED = ("Change", "Remove")
CASES = [
    Case("right", lambda _: None, None, "ok", code=ExitCode.OK),
    Case("delegated right", lambda _: None, None, "ok", code=ExitCode.OK, tenant="acme"),
    Case(
        "SES's range is denied first",
        spf("v=spf1 -ip4:199.255.192.0/22 include:amazonses.com ~all"),
        SPF,
        "wrong",
        ("-ip4:199.255.192.0/22",),
    ),
    Case(
        "SES's range is neutral first",
        spf("v=spf1 ?ip4:199.255.192.0/22 include:amazonses.com -all"),
        SPF,
        "wrong",
        ("?ip4:199.255.192.0/22",),
    ),
    Case(
        "an include of its own is denied first",
        spf(
            f"v=spf1 -include:_old.{HARBOR} include:amazonses.com -all",
            f'_old.{HARBOR}. 60 IN TXT "v=spf1 include:amazonses.com -all"',
        ),
        SPF,
        "wrong",
        (f"-include:_old.{HARBOR}",),
    ),
    Case(
        "what exists is denied first",
        spf(f"v=spf1 -exists:www.{HARBOR} include:amazonses.com -all", f"www.{HARBOR}. 60 IN A 192.0.2.1"),
        SPF,
        "wrong",
        (f"-exists:www.{HARBOR}",),
    ),
    Case(
        "every address passes",
        spf("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 include:amazonses.com ~all"),
        SPF,
        "wrong",
        ("ip4:0.0.0.0/1",),
    ),
    Case(
        "an include passes every address",
        spf(f"v=spf1 include:amazonses.com include:_open.{HARBOR} -all", f'_open.{HARBOR}. 60 IN TXT "v=spf1 +all"'),
        SPF,
        "wrong",
        (f"include:_open.{HARBOR}",),
    ),
    Case("a broken include is first", broken_include, SPF, "unreachable", ("include:spf.broken.example", "temperror")),
    Case(
        "the domain was moved to ours",
        moved,
        NS,
        "wrong-level",
        (f"Put the own name servers of {ACME} back", "registrar"),
        tenant="acme",
    ),
    Case("ours at the zone's own name", apex(), NS, "wrong-level", ("ns-1.awsdns.example", ACME), tenant="acme"),
    Case(
        "ours at the zone's own name too",
        apex(DELEGATION),
        NS,
        "wrong-level",
        ("ns-1.awsdns.example", ACME),
        tenant="acme",
    ),
    Case(
        "delegated at one of two servers",
        at_one_parent_server,
        NS,
        "not-everywhere",
        ("ns2.dns.example",),
        ("Wait",),
        tenant="acme",
    ),
    Case("the registry names an old provider", old_provider, (S, "MX"), "not-everywhere", ("Take ns.old.example out",)),
    Case(
        "records at one of two providers",
        one_of_two_providers,
        (S, "MX"),
        "not-everywhere",
        ("the provider of ns2.dns.example as well",),
        ("Wait",),
    ),
    Case("a delegation was left", harbor(LEFTOVER), (S, "MX"), "delegated-away", (f"Remove the NS records of {S}",)),
    Case("the keys' zone is empty", delegated_keys, KEY, "missing", (f"Add to the zone _domainkey.{S}",)),
    Case("a wildcard's CNAME", harbor(WILDCARD_CNAME), KEY, "missing", ("Add to the zone",), CHANGED),
    Case("a wildcard's CNAME in place of MX", harbor(WILDCARD_CNAME), (S, "MX"), "missing", ("Add",), CHANGED),
    Case("a wildcard's MX", harbor(WILDCARD_MX_TXT), (S, "MX"), "missing", ("Add to the zone",), CHANGED),
    Case("a wildcard's SPF", harbor(WILDCARD_MX_TXT), SPF, "missing", (SES_SPF,), ('Add "include', *CHANGED)),
]


@pytest.fixture(autouse=True)
def config(internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Both tenants' DNS is right, and AWS has made of them what is read of it."""
    for command in (dns_check, dns_records):
        monkeypatch.setattr(command, "checked_account", lambda _cell: None)
        monkeypatch.setattr(command, "deployed", deployed)
    written = tmp_path / "tenants.yaml"
    written.write_text(TENANTS)
    loaded = load(written)
    tenant, cell = loaded.tenant("acme"), loaded.cell("eu")
    internet.serve(HARBOR, RIGHT, internet.customer)
    internet.serve(ACME, "", internet.customer)
    internet.serve(POST, zone_text(zone_records(tenant, cell, deployed(tenant, cell).dkim)), internet.ours)
    yield written
    internet.old.load({}, gone=[HARBOR])
    internet.remove(*(zone for zone in (KEYS, BROKEN, POST, HARBOR, ACME) if internet.has(zone)))


def deployed(tenant: Tenant, _cell: Cell) -> Deployed:
    """What AWS made of a tenant."""
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_command_says_what_receivers_find(internet: Internet, config: Path, case: Case) -> None:
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


def test_address_of_a_policy_host(internet: Internet, config: Path) -> None:
    """A name that is only asked by HTTPS may have an address of its own in place of the CNAME.

    Source: RFC 8461 3.3.
    """
    mta_sts = f", mta_sts: {{policy_host: www.{HARBOR}}}}}"
    config.write_text(TENANTS.replace(f"[dmarc@{HARBOR}]}}}}", f"[dmarc@{HARBOR}]}}{mta_sts}"))
    harbor(f"{RIGHT}\nmta-sts.{S}. 60 IN A 192.0.2.1")(internet)
    _, report = said(internet, config, "harbor")
    assert [one["status"] for one in report["records"] if one["name"] == f"mta-sts.{S}"] == ["ok"]


def test_name_that_is_delegated_away_is_printed_once(internet: Internet, config: Path) -> None:
    """Each of its records says what to add where; whom it is delegated to is told behind them, and by the document's `cuts`."""
    delegated_keys(internet)
    code, printed = run(internet, config, "dns-check", "harbor")
    words = " ".join(printed.split())
    assert words.count(f"Add to the zone {KEYS}: ") == 3
    assert words.count(f"{HARBOR} delegates {KEYS} to ns-1.awsdns.example, so in {HARBOR} it would not be seen") == 1
    assert 'CNAME "c.dkim.amazonses.com".' in words
    assert code == ExitCode.DIFFERENT
    _, report = said(internet, config, "harbor")
    [cut] = report["cuts"]
    assert (cut["zone"], cut["parent"], cut["servers"], cut["served"]) == (KEYS, HARBOR, ["ns-1.awsdns.example"], True)


def test_watching_tells_a_transfer_that_does_not_come(
    internet: Internet, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one look saw is known to the next: a server that stays behind is to be seen to, after two times of its asking."""
    clock = iter([0.0, 5000.0])
    now = next(clock)
    waits = iter([False, True])

    def wait(_seconds: float, _interrupted: Callable[[], bool]) -> bool:
        nonlocal now
        now = next(clock, now)
        return next(waits)

    monkeypatch.setattr(dns_check, "wait", wait)
    monkeypatch.setattr(dns_check, "Serials", lambda: Serials(lambda: now))
    lacking = zone_text([one for one in RECORDS if (one.name, one.type) != (S, "MX")])
    serial = internet.serial()
    for server, text, held in zip(internet.customer, (RIGHT, lacking), (serial + 10, serial + 1), strict=True):
        internet.serve_differently(server, HARBOR, text, serial=held)
    code, printed = run(internet, config, "dns-check", "harbor", "--watch")
    lines = [line for line in printed.splitlines() if f"harbor: {S} MX: " in line]
    assert [line.partition("MX: ")[2] for line in lines] == ["pending", "pending -> not-everywhere"]
    assert "repair the transfer to it" in " ".join(printed.split())
    assert code == ExitCode.DIFFERENT


@pytest.mark.parametrize(
    ("make", "zone", "notice"),
    [
        (harbor(""), HARBOR, ""),
        (delegated_keys, KEYS, f"The zone {HARBOR} delegates {KEYS} to ns-1.awsdns.example."),
        (harbor(LEFTOVER), HARBOR, f"Remove the NS records of {S} from the zone {HARBOR}: "),
        (old_provider, HARBOR, "only example names ns.old.example."),
    ],
    ids=["no cut", "keys delegated away", "a delegation was left", "old provider"],
)
def test_letter_names_the_zone_that_the_check_names(
    internet: Internet,
    config: Path,
    make: Callable[[Internet], None],
    zone: str,
    notice: str,
) -> None:
    """The zone that a record goes into is the same in both, and what is wrong with a zone is told once."""
    make(internet)
    _, report = said(internet, config, "harbor")
    [found] = [one for one in report["records"] if (one["name"], one["type"]) == KEY]
    assert f"zone {zone}" in found["fix"]
    _, page = run(internet, config, "dns-records", "harbor", "--format", "html")
    relative = KEY[0].removesuffix(f".{zone}")
    assert f'<code class="value">{relative}</code>' in page
    plain = page.replace("<code>", "").replace("</code>", "")
    assert not notice or sum(notice in line for line in plain.splitlines() if 'class="summary todo"' in line) == 1


@pytest.mark.parametrize("form", ["bind", "octodns", "terraform", "dnscontrol"])
def test_file_of_the_zone_has_nothing_of_a_zone_below(internet: Internet, config: Path, form: str) -> None:
    """Where keys are delegated away, they are comments in the file of the zone, and of the letter too, below the zone's name."""
    _, whole = run(internet, config, "dns-records", "harbor", "--format", form)
    delegated_keys(internet)
    _, text = run(internet, config, "dns-records", "harbor", "--format", form)
    mark = {"bind": ";", "dnscontrol": "//"}.get(form, "#")
    keys = [line for line in text.splitlines() if "dkim.amazonses.com" in line]
    assert len(keys) == 3
    assert all(line.startswith(mark) for line in keys)
    assert not any(line.startswith(mark) for line in whole.splitlines() if "dkim.amazonses.com" in line)
    assert text.count(f"{mark} Not for this zone: these belong to the zone {KEYS}, which it delegates;") == 1
    assert KEYS not in whole.partition("Not for this zone")[2]


def test_letters_zone_file_loads_below_a_cut(internet: Internet, config: Path) -> None:
    """What the letter shows to paste is what the command prints; loaded into the zone, with the keys in theirs, all is right."""
    delegated_keys(internet)
    _, text = run(internet, config, "dns-records", "harbor")
    _, page = run(internet, config, "dns-records", "harbor", "--format", "html")
    assert text.strip() in html.unescape(page)
    _, table = run(internet, config, "dns-records", "harbor", "--format", "csv")
    assert {row["zone"] for row in csv.DictReader(io.StringIO(table)) if row["purpose"] == "dkim"} == {KEYS}
    keys = [line.removeprefix("; ") for line in text.splitlines() if "dkim.amazonses.com" in line]
    internet.serve(KEYS, "\n".join(keys), internet.ours[:1])
    harbor(text)(internet)
    code, report = said(internet, config, "harbor")
    assert (code, {one["status"] for one in report["records"]}) == (ExitCode.OK, {"ok"})
