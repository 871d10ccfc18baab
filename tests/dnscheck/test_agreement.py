"""Servers that do not agree, and names that are delegated away: one verdict each time, on real name servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import Finding, Report, Status, Subject
from tests.dnscheck.customers import check, check_again, delegation, finding, records, without, zone_text
from tests.nameservers import Internet

ZONE = "harbor.example"
S = f"tickets.{ZONE}"
RECORDS = records(S, dmarc_policy="reject", dmarc_rua=[f"dmarc@{ZONE}"])
RIGHT = zone_text(RECORDS)
OURS = "\n".join(f"{S}. 60 IN NS ns-{n}.awsdns.example." for n in (1, 2, 3, 4))


@pytest.fixture(autouse=True)
def _right(internet: Internet) -> Iterator[None]:
    internet.serve(ZONE, RIGHT, internet.customer)
    yield
    internet.remove(ZONE)
    internet.old.load({}, gone=[ZONE])


def report(internet: Internet) -> Report:
    """The report on the self-managed subdomain, nothing cached."""
    [made] = check(internet, Subject(subdomain=S, records=RECORDS))
    return made


def names(internet: Internet) -> list[str]:
    """Of the customer's servers."""
    return [server.name for server in internet.customer]


def mx(made: Report) -> Finding:
    """The finding on the subdomain's MX."""
    return finding(made, "tickets", "MX")


def test_old_provider_at_the_registrar(internet: Internet) -> None:
    """A server that only the registry names and that lacks the records gives the same verdict every time, with what to remove."""
    internet.delegate(ZONE, [*names(internet), internet.old.name])
    internet.serve_differently(internet.old, ZONE, "")
    for _ in range(5):
        made = report(internet)
        assert {one.status for one in made.findings} == {Status.NOT_EVERYWHERE}
        assert made.status is Status.WRONG
        assert mx(made).fix.startswith(
            f"Take ns.old.example out of the name servers of {ZONE} in the zone example, at the domain's registrar"
        )
        [zone] = made.zones
        assert (zone.zone, zone.parent, zone.named, zone.own) == (ZONE, "example", ("ns.old.example",), ())
        assert zone.status is Status.SERVERS_DIFFER
        assert zone.fix.startswith(f"Name the same servers for {ZONE} on both sides")
    internet.delegate(ZONE, names(internet))
    assert report(internet).status is Status.OK


def test_server_that_only_the_zone_names(internet: Internet) -> None:
    """The same of a server that the zone itself names and the registry does not."""
    internet.serve(ZONE, RIGHT, internet.customer, [*names(internet), internet.old.name])
    internet.delegate(ZONE, names(internet))
    internet.serve_differently(internet.old, ZONE, "")
    made = report(internet)
    assert mx(made).fix.startswith(
        f"Take ns.old.example out of the NS records of {ZONE}: the zone example does not name it"
    )
    assert made.zones[0].own == ("ns.old.example",)
    internet.serve(ZONE, RIGHT, internet.customer)
    internet.delegate(ZONE, names(internet))
    assert report(internet).status is Status.OK


def test_sides_that_differ_and_answer_alike(internet: Internet) -> None:
    """Where every server that either side names has the records, all is ok, and the difference is noted."""
    internet.delegate(ZONE, [*names(internet), internet.old.name])
    internet.serve_differently(internet.old, ZONE, RIGHT)
    made = report(internet)
    assert made.status is Status.OK
    [zone] = made.zones
    assert (zone.status, zone.fix) == (Status.OK, "")
    assert "they answer alike" in zone.note


def test_records_at_one_of_two_providers(internet: Internet) -> None:
    """Two providers whose SOA records name other primaries never agree by themselves: enter them at the other as well."""
    second = internet.customer[1]
    internet.serve_differently(second, ZONE, "", primary="ns2.dns.example", serial=7)
    made = report(internet)
    assert {one.status for one in made.findings} == {Status.NOT_EVERYWHERE}
    assert mx(made).fix.startswith(f"Enter {S} MX ")
    assert "at the provider of ns2.dns.example as well" in mx(made).fix
    assert "Wait" not in mx(made).fix
    internet.serve_differently(second, ZONE, RIGHT, primary="ns2.dns.example", serial=8)
    assert report(internet).status is Status.OK


@pytest.mark.parametrize(
    ("behind", "status", "said"),
    [
        (-1, Status.PENDING, "Wait until ns2.dns.example has the same: its version of the zone is older"),
        (0, Status.NOT_EVERYWHERE, "the same serial number"),
        (1, Status.NOT_EVERYWHERE, "a newer version"),
    ],
    ids=["older", "same", "newer"],
)
def test_serial_numbers_tell_whether_waiting_helps(internet: Internet, behind: int, status: Status, said: str) -> None:
    """An older version of one primary's zone is a transfer under way; the same or a newer one is not."""
    serial = internet.serial()
    internet.serve_differently(internet.customer[0], ZONE, RIGHT, serial=serial + 10)
    internet.serve_differently(
        internet.customer[1], ZONE, zone_text(without(RECORDS, "tickets", "MX")), serial=serial + 10 + behind
    )
    made = report(internet)
    assert mx(made).status is status
    assert said in mx(made).fix
    assert mx(made).behind == ("ns2.dns.example",)
    assert (made.status is Status.PENDING) == (status is Status.PENDING)


def test_transfer_that_does_not_come(internet: Internet) -> None:
    """An older version that stays beyond two times of asking is no transfer under way; one that moves on is looked at anew."""
    now = 0.0
    serials = Serials(lambda: now)
    first, second = internet.customer
    serial = internet.serial()
    internet.serve_differently(first, ZONE, RIGHT, serial=serial + 10)
    subject = Subject(subdomain=S, records=RECORDS)
    stays = zone_text(without(RECORDS, "tickets", "MX"))
    for at, held, status in [
        (0, serial + 1, Status.PENDING),
        (4200, serial + 1, Status.PENDING),
        (4260, serial + 1, Status.NOT_EVERYWHERE),
        (4300, serial + 2, Status.PENDING),
        (8560, serial + 2, Status.NOT_EVERYWHERE),
    ]:
        now = at
        internet.serve_differently(second, ZONE, stays, serial=held)
        [made] = check(internet, subject, serials=serials)
        assert mx(made).status is status
    assert mx(made).fix.startswith(f"Enter {S} MX ")
    assert f"has stayed at {serial + 2} for 71 minutes" in mx(made).fix
    internet.serve_differently(second, ZONE, RIGHT, serial=serial + 10)
    assert check(internet, subject, serials=serials)[0].status is Status.OK


def test_delegation_at_one_parent_server(internet: Internet) -> None:
    """A delegation that one of the parent's servers has in the same version as the other is to be entered, not to be waited for."""
    internet.serve(S, RIGHT, internet.ours)
    internet.delegate(S, [])
    serial = internet.serial() + 10
    for server, text in zip(internet.customer, (OURS, ""), strict=True):
        internet.serve_differently(server, ZONE, text, serial=serial)
    record = delegation(internet, S)
    [made] = check(internet, Subject(subdomain=S, records=(record,)))
    internet.remove(S)
    assert made.findings[0].status is Status.NOT_EVERYWHERE
    assert "ns2.dns.example as well, and raise the zone's serial number" in made.findings[0].fix


def test_resolver_that_remembers_that_there_was_none(internet: Internet) -> None:
    """A negative answer says for how long it is remembered: at most as long as the SOA record has it."""
    internet.serve(ZONE, "", internet.customer)
    assert report(internet).findings[0].status is Status.MISSING
    internet.serve(ZONE, RIGHT, internet.customer)
    [made] = check_again(internet, Subject(subdomain=S, records=RECORDS))
    found = mx(made)
    assert found.status is Status.PENDING
    assert found.fix.startswith("Wait: the resolver 127.0.0.1 remembers that there was none, for at most ")
    assert 0 < int(found.fix.split(" at most ")[1].split()[0]) <= 60


def test_leftover_delegation_hides_the_records(internet: Internet) -> None:
    """An NS record left at the subdomain hides what stands beside it: it is named, with whom it leads to, and is to go."""
    internet.serve(ZONE, f"{RIGHT}\n{S}. NS ns1.{S}.", internet.customer)
    made = report(internet)
    assert {one.status for one in made.findings} == {Status.DELEGATED_AWAY}
    assert {one.fix for one in made.findings} == {
        f"Remove the NS records of {S} from the zone {ZONE}: they delegate it to ns1.{S}, where queries for it get no answer, "
        "and hide every record at and below it; or make these servers answer, and enter the records there."
    }
    internet.serve(ZONE, RIGHT, internet.customer)
    assert report(internet).status is Status.OK


@pytest.mark.parametrize("name", ["_domainkey", "_dmarc", "mail"])
def test_name_below_the_subdomain_is_delegated_to_who_refuses(internet: Internet, name: str) -> None:
    """The same below the subdomain: records at other names are right."""
    internet.serve(ZONE, f"{RIGHT}\n{name}.{S}. NS ns-1.awsdns.example.", internet.customer)
    made = report(internet)
    hidden = [one for one in made.findings if one.record.name.endswith(f"{name}.{S}")]
    assert {one.status for one in hidden} == {Status.DELEGATED_AWAY}
    assert {one.status for one in made.findings if one not in hidden} == {Status.OK}
    assert (
        f"Remove the NS records of {name}.{S} from the zone {ZONE}: they delegate it to ns-1.awsdns.example"
        in hidden[0].fix
    )
    [cut] = made.cuts
    assert (cut.name, cut.parent, cut.servers) == (f"{name}.{S}", ZONE, ("ns-1.awsdns.example",))
    assert not cut.served
    assert {one.fix for one in hidden} == {cut.fix}


def test_empty_zone_below_the_subdomain(internet: Internet) -> None:
    """Where the zone below is served and empty, its records go there: above the cut nobody would see them."""
    below = f"_domainkey.{S}"
    internet.serve(ZONE, zone_text(one for one in RECORDS if below not in one.name), internet.customer)
    internet.serve(below, "", internet.ours[:1])
    made = report(internet)
    keys = [one for one in made.findings if below in one.record.name]
    assert {one.status for one in keys} == {Status.MISSING}
    assert keys[0].fix.startswith(f'Add to the zone {below}: a.{below} CNAME "a.dkim.amazonses.com"; ')
    assert f"{ZONE} delegates {below} to ns-1.awsdns.example, so in {ZONE} it would not be seen" in keys[0].fix
    assert {one.zone for one in keys} == {below}
    [cut] = made.cuts
    assert (cut.name, cut.parent, cut.servers) == (below, ZONE, ("ns-1.awsdns.example",))
    assert cut.served
    assert all(one.fix.endswith(f"; {cut.fix}") for one in keys)
    internet.serve(below, zone_text(one for one in RECORDS if below in one.name), internet.ours[:1])
    assert report(internet).status is Status.OK
    internet.remove(below)


def test_subdomain_that_is_a_zone_of_its_own(internet: Internet) -> None:
    """Records in the subdomain's own zone are right; one that is missing goes there."""
    internet.serve(ZONE, "", internet.customer)
    internet.serve(S, RIGHT, internet.ours[:2])
    assert report(internet).status is Status.OK
    internet.serve(S, zone_text(without(RECORDS, "tickets", "MX")), internet.ours[:2])
    assert mx(report(internet)).fix.startswith(f"Add to the zone {S}: {S} MX")
    internet.remove(S)


def test_nobody_waits_below_a_delegation_that_is_missing(internet: Internet) -> None:
    """Our own zone's records are right, and are seen once the delegation is there: nothing is to be waited for."""
    internet.serve(ZONE, "", internet.customer)
    internet.serve(S, RIGHT, internet.ours)
    internet.delegate(S, [])
    [made] = check(internet, Subject(subdomain=S, records=(delegation(internet, S), *RECORDS)))
    internet.remove(S)
    assert made.findings[0].status is Status.DELEGATION_MISSING
    assert {one.fix for one in made.findings[1:]} == {
        f"Nothing to do here: it is seen once the delegation of {S} is in place."
    }
