"""States of a customer's DNS that are easily judged wrongly, each through `dns-check` itself, on real name servers."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from email_stack.cli.commands import dns_check
from email_stack.cli.output import ExitCode
from email_stack.dnscheck.history import Serials
from tests.dnscheck.commands import (
    ACME,
    BROKEN,
    CUSTOMER,
    DELEGATION,
    HARBOR,
    KEYS,
    OURS,
    POST,
    RECORDS,
    RIGHT,
    SPF,
    TENANTS,
    Case,
    S,
    harbor,
    judge,
    run,
    said,
)
from tests.dnscheck.customers import SES_SPF, zone_text
from tests.nameservers import Internet


def spf(text: str, *others: str) -> Callable[[Internet], None]:
    """The subdomain's SPF record is another."""
    lines = zone_text([one for one in RECORDS if (one.name, one.type) != SPF], f'{S}. 60 IN TXT "{text}"', *others)
    return harbor(lines)


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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_command_says_what_receivers_find(internet: Internet, config: Path, case: Case) -> None:
    """The verdict, the exit code, and what to do."""
    judge(internet, config, case)


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
