"""Many subdomains at once."""

from __future__ import annotations

import time
from collections import Counter

import dns.resolver
import pytest

from constructs_lib.records import delegation_record
from email_stack.dnscheck import check as module
from email_stack.dnscheck.check import check_subdomains, system_resolvers
from email_stack.dnscheck.directory import Directory
from email_stack.dnscheck.model import Endpoint, Report, Status, Subject
from email_stack.dnscheck.transport import Network
from tests.dnscheck.customers import check, eight, zone_text
from tests.nameservers import Internet

ZONES = [f"customer{number:02}.example" for number in range(60)]
SUBJECTS = [Subject(subdomain=f"post.{zone}", records=eight(f"post.{zone}")) for zone in ZONES]


def test_sixty_are_checked_at_once(internet: Internet) -> None:
    """Sixty zones, one of their two servers dead: it costs its time-out once, not sixty times."""
    internet.serve_many(
        {zone: zone_text(subject.records) for zone, subject in zip(ZONES, SUBJECTS, strict=True)}, internet.customer
    )
    healthy = check(internet, *SUBJECTS)
    assert {report.status for report in healthy} == {Status.OK}
    internet.customer[1].silence()
    try:
        internet.flush()
        start = time.monotonic()
        reports = check(internet, *SUBJECTS)
        elapsed = time.monotonic() - start
    finally:
        internet.customer[1].resume()
    assert [report.subdomain for report in reports] == [subject.subdomain for subject in SUBJECTS]
    assert {report.status for report in reports} == {Status.OK}
    assert all("ns2.dns.example" in finding.note for report in reports for finding in report.findings)
    assert elapsed < 2 * 60  # one by one, each record alone would take 3 s: 24 minutes


def test_they_run_side_by_side(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sixty are under way before the first is done."""
    running, most = 0, 0
    real = module._check

    async def counted(subject: Subject, directory: Directory) -> Report:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await real(subject, directory)
        finally:
            running -= 1

    monkeypatch.setattr(module, "_check", counted)
    check(internet, *SUBJECTS, *SUBJECTS)
    assert most == module.AT_ONCE == 60


def test_each_question_is_asked_once(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same subject twice asks its resolver no question twice."""
    asked: list[tuple[str, str]] = []
    real = Network.ask

    async def counted(self: Network, server: object, name: str, kind: str, **options: bool) -> object:
        if options.get("recursive"):
            asked.append((name, kind))
        return await real(self, server, name, kind, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Network, "ask", counted)
    check(internet, SUBJECTS[0], SUBJECTS[0])
    assert len(asked) == len(set(asked))


def test_servers_of_a_delegated_zone_are_asked_once(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the zone's own NS records, too, which both the way down and the delegation's verdict look at."""
    asked: list[tuple[object, str, str, bool]] = []
    real = Network.ask

    async def counted(self: Network, server: Endpoint, name: str, kind: str, **options: bool) -> object:
        asked.append((server, name, kind, options.get("recursive", False)))
        return await real(self, server, name, kind, **options)

    monkeypatch.setattr(Network, "ask", counted)
    name = "post.delegated.example"
    records = eight(name)
    delegation = delegation_record(subdomain=name, name_servers=[one.name for one in internet.ours])
    internet.serve("delegated.example", "", internet.customer)
    internet.serve(name, zone_text(records), internet.ours)
    [report] = check(internet, Subject(subdomain=name, records=(delegation, *records)))
    assert report.status is Status.OK
    assert [one for one, times in Counter(asked).items() if times > 1] == []


def test_nothing_to_check(internet: Internet) -> None:
    """No subject, no report."""
    assert check(internet) == ()


def test_system_without_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine names no resolver, one must be given."""

    def none(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    with pytest.raises(ValueError, match="names none; give one"):
        check_subdomains(SUBJECTS)


def test_resolvers_of_the_system() -> None:
    """Each with the port that it listens on."""
    assert all(one.port == 53 for one in system_resolvers())


QUESTIONS_AT_MOST = 32
"""Of a tenant with eight records at two servers: 24 are what each of them and the resolver say of each record."""


def test_questions_of_a_tenant_are_few(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is asked the same twice, and a tenant costs hardly more than the questions on its records."""
    asked: list[tuple[str, str, str, bool]] = []
    real = Network.ask

    async def counted(self: Network, server: Endpoint, name: str, kind: str, **options: bool) -> object:
        asked.append((server.address, name, kind, options.get("recursive", False)))
        return await real(self, server, name, kind, **options)

    monkeypatch.setattr(Network, "ask", counted)
    internet.serve_many(
        {zone: zone_text(subject.records) for zone, subject in zip(ZONES, SUBJECTS, strict=True)}, internet.customer
    )
    assert {report.status for report in check(internet, *SUBJECTS)} == {Status.OK}
    assert [one for one, times in Counter(asked).items() if times > 1] == []
    assert 24 * len(SUBJECTS) < len(asked) <= QUESTIONS_AT_MOST * len(SUBJECTS)
