"""Records behind indirections or at wrong places, each through `dns-check` itself, on real name servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from email_stack.cli.output import ExitCode
from tests.dnscheck.commands import HARBOR, RECORDS, SPF, Case, S, harbor, judge, said
from tests.dnscheck.customers import zone_text
from tests.nameservers import Internet

POLICY = f'"v=DMARC1; p=reject; rua=mailto:dmarc@{HARBOR}"'
DMARC, MAIL_MX, MAIL_TXT = (f"_dmarc.{S}", "TXT"), (f"mail.{S}", "MX"), (f"mail.{S}", "TXT")
TLS = (f"_smtp._tls.{S}", "TXT")
KEY = (f"a._domainkey.{S}", "CNAME")
BOUNCE = (
    f"mail.{S}. 60 IN CNAME bounce.{HARBOR}.",
    f"bounce.{HARBOR}. 60 IN MX 10 feedback-smtp.eu-central-1.amazonses.com.",
    f'bounce.{HARBOR}. 60 IN TXT "v=spf1 include:amazonses.com ~all"',
)


def state(
    name: str, record: tuple[str, str], *lines: str, gone: tuple[tuple[str, str], ...] = (), **expected: Any
) -> Case:
    """The record, and others of its name that `gone` names, give way to lines; right unless another verdict is expected."""
    kept = [one for one in RECORDS if (one.name, one.type) not in {record, *gone}]
    verdict: dict[str, Any] = {"status": "ok", "code": ExitCode.OK} | expected
    return Case(name, harbor(zone_text(kept, *lines)), record, **verdict)


MISSING: dict[str, Any] = {"status": "missing", "code": ExitCode.DIFFERENT}
CASES = [
    state(
        "the policy behind a CNAME",
        DMARC,
        f"_dmarc.{S}. 60 IN CNAME policy.{HARBOR}.",
        f"policy.{HARBOR}. 60 IN TXT {POLICY}",
    ),
    state("the MAIL FROM domain behind a CNAME, MX", MAIL_MX, *BOUNCE, gone=(MAIL_TXT,)),
    state("the MAIL FROM domain behind a CNAME, SPF", MAIL_TXT, *BOUNCE, gone=(MAIL_MX,)),
    state(
        "reports on encryption behind a CNAME",
        TLS,
        f"_smtp._tls.{S}. 60 IN CNAME tls.{HARBOR}.",
        f'tls.{HARBOR}. 60 IN TXT "v=TLSRPTv1; rua=mailto:dmarc@{HARBOR}"',
    ),
    state(
        "an include of its own",
        SPF,
        f'{S}. 60 IN TXT "v=spf1 include:_spf.{HARBOR} -all"',
        f'_spf.{HARBOR}. 60 IN TXT "v=spf1 include:amazonses.com ~all"',
    ),
    state(
        "a policy of none for names below",
        DMARC,
        f'_dmarc.{S}. 60 IN TXT "v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@{HARBOR}"',
    ),
    state(
        "a key below the subdomain typed twice",
        KEY,
        f"a._domainkey.tickets.{S}. 60 IN CNAME a.dkim.amazonses.com.",
        said=(f"a._domainkey.tickets.{S}",),
        **MISSING,
    ),
    state(
        "a key at the domain above",
        KEY,
        f"a._domainkey.{HARBOR}. 60 IN CNAME a.dkim.amazonses.com.",
        said=(f"a._domainkey.{HARBOR}",),
        **MISSING,
    ),
    state("a key as TXT", KEY, f'{KEY[0]}. 60 IN TXT "a.dkim.amazonses.com"', said=("TXT", "CNAME"), **MISSING),
    state("the policy at the subdomain itself", DMARC, f"{S}. 60 IN TXT {POLICY}", said=(f"_dmarc.{S}",), **MISSING),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_command_says_what_receivers_find(internet: Internet, config: Path, case: Case) -> None:
    """Right with a remark where it comes to the same; else where it was found, and what to do."""
    judge(internet, config, case)


def test_right_by_another_way_has_a_remark(internet: Internet, config: Path) -> None:
    """It names the way, and asks for nothing."""
    for case in CASES[:6]:
        case.make(internet)
        _, report = said(internet, config, "harbor")
        [found] = [one for one in report["records"] if (one["name"], one["type"]) == case.record]
        assert (found["fix"], bool(found["note"])) == ("", True), case.name


def test_all_records_at_the_domain_above_are_said_once(internet: Internet, config: Path) -> None:
    """Each with the same remedy: what stands there is to be moved."""
    harbor(zone_text(RECORDS).replace(S, HARBOR))(internet)
    code, report = said(internet, config, "harbor")
    fixes = {one["fix"] for one in report["records"] if one["required"]}
    assert code == ExitCode.DIFFERENT
    assert len(fixes) == 1, fixes
    assert f"at {HARBOR}" in fixes.pop()
