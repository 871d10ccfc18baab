"""The three operations that look at DNS: the token always, and the records once they are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from constructs_lib.records import DnsRecord, delegation_record
from email_stack.settings.local import LocalServer
from email_stack.settings.records import record_text
from mailroom.settings.claims import Claim
from mailroom.settings.deployments import begun, done
from mailroom.settings.domains import Domains
from mailroom.settings.store import Actor, Change, SettingsStore
from tests.dnscheck.customers import eight, zone_text
from tests.nameservers import Internet
from tests.settings.conftest import Client

pytestmark = pytest.mark.servers

V1 = "/v1/email-settings/domain"


def deployed(store: SettingsStore, actor: Actor, domain: str, records: list[DnsRecord], servers: list[str]) -> Claim:
    """Write what a deployment makes known."""

    def decide(state: Any) -> Change[Claim]:
        claim = state.claim(domain)
        after = done(
            begun(claim, state.now),
            claim.wanted,
            name_servers=servers,
            records=[record_text(one) for one in records],
            now=state.now,
        )
        return Change(result=after, operation="deployed", before=[claim], after=[replace(after, checked_at=None)])

    return store.change(actor, decide)


def again(store: SettingsStore, actor: Actor, domain: str) -> None:
    """As if the last look had been long ago."""

    def decide(state: Any) -> Change[None]:
        claim = state.claim(domain)
        return Change(result=None, operation="later", before=[claim], after=[replace(claim, checked_at=None)])

    store.change(actor, decide)


def statuses(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Of each record but the token."""
    return {(one["type"], one["name"]): one["status"] for one in found["records"] if one["purpose"] != "ownership"}


def test_records_are_looked_at_one_by_one(server: LocalServer, client: Client, internet: Internet) -> None:
    """A delegated domain becomes active when all are there; what is missing is named, with what to do, and whose it is."""
    zone, actor = f"{client.organization}.example", Actor(organization=client.organization, user="u")
    domain, store = f"mail.{zone}", server.service.store
    claim = client("POST", V1, {"domain": domain}).json
    token = f'_email-claim.{domain}. TXT "{claim["ownership"]["value"]}"'
    internet.serve(zone, token, internet.customer)
    internet.flush()
    proven = client("POST", f"{V1}:verify", {"domain": domain}).json
    assert (proven["status"], statuses(proven)) == ("proven", {})
    servers = [one.name for one in internet.ours]
    records = [delegation_record(subdomain=domain, name_servers=servers), *eight(domain)]
    deployed(store, actor, domain, records, servers)
    waiting = client("POST", f"{V1}/name-servers:verify", {"domain": domain}).json
    assert (waiting["status"], waiting["name_servers"]) == ("awaiting_dns", servers)
    assert statuses(waiting)["NS", domain] == "missing"
    records_of = [one for one in waiting["records"] if one["purpose"] != "ownership"]
    assert {(one["type"] == "NS", one["yours"]) for one in records_of} == {(True, True), (False, False)}
    assert all(one["fix"] for one in records_of if one["type"] == "NS")
    assert {one["status"] for one in records_of if one["type"] != "NS"} == {"unknown"}
    internet.serve(domain, zone_text(eight(domain)[:-1], token), internet.ours)
    internet.flush()
    again(store, actor, domain)
    nearly = client("POST", f"{V1}/dns-records:verify", {"domain": domain}).json
    assert [place for place, status in statuses(nearly).items() if status != "ok"] == [("TXT", f"_dmarc.{domain}")]
    assert nearly["status"] == "awaiting_dns"
    internet.serve(domain, zone_text(eight(domain), token), internet.ours)
    internet.flush()
    again(store, actor, domain)
    active = client("POST", f"{V1}:verify", {"domain": domain}).json
    assert (active["status"], set(statuses(active).values())) == ("active", {"ok"})
    assert active["checks"][0]["text"].endswith("; 9 of 9 records are right")
    assert Domains(store=store).one(client.organization, domain).ready
