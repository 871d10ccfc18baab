"""An organisation's settings reach the tables of its own tenants alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, tenant_id
from mailroom.settings.entries import Kind
from mailroom.settings.lifetimes import Limits
from mailroom.settings.preferences import Preferences, SettingChange
from mailroom.settings.refusals import RefusedError
from mailroom.settings.running import Running
from mailroom.settings.store import SettingsStore
from mailroom.store.run_time import (
    RunTime,
    Signature,
    put_run_time,
    read_run_time,
    read_signature,
    run_time_as_json,
    run_time_from,
)
from mailroom.store.table import Table
from tests.mailroom.settings.conftest import START, Clock, MakeStore
from tests.mailroom.settings.test_store import ANNA, BORIS, DOMAIN, NOWHERE, REGISTERED, prove

pytestmark = pytest.mark.servers

SALES = f"sales@{DOMAIN}"


@pytest.fixture
def tenant(make_store: MakeStore) -> Table:
    """The table of the domain's tenant."""
    return make_store()[0].table


def running(store: SettingsStore, tenant: Table) -> Running:
    """Only this one tenant is deployed."""

    def put(name: str, run_time: RunTime, signatures: Sequence[Signature]) -> bool:
        if name != tenant_id("acme", DOMAIN):
            return False
        # As one function hands it to another.
        return put_run_time(
            tenant, run_time_from(json.loads(json.dumps(run_time_as_json(run_time)))), signatures, START
        )

    return Running(store=store, put=put)


def test_all_of_it_comes(store_and_clock: tuple[SettingsStore, Clock], tenant: Table) -> None:
    """Names, the primary address, what is off, signatures, the time for repeated mail; allowed recipients of those confined."""
    store, _ = store_and_clock
    prove(store, ANNA)
    addresses, preferences = Addresses(store=store), Preferences(store=store)
    signature = preferences.add(ANNA, Kind.SIGNATURE, SettingChange(name="S", value="Anna", html="<b>Anna</b>"))
    preferences.add(ANNA, Kind.ALLOWED_RECIPIENT, SettingChange(value="qa@example.net"))
    addresses.add(ANNA, SALES, AddressChange(name="Sales", default_signature_id=signature.id))
    old = addresses.add(ANNA, f"old@{DOMAIN}", AddressChange())
    addresses.update(ANNA, old.id, AddressChange(active=False))
    addresses.make_primary(ANNA, SALES)
    assert running(store, tenant).bring("acme") == 1
    now = read_run_time(tenant)
    assert now is not None
    sales, off = (now.addresses[one] for one in (SALES, f"old@{DOMAIN}"))
    assert (sales.name, sales.primary, sales.active, off.active, off.primary) == ("Sales", True, True, False, False)
    assert read_signature(tenant, sales.signature) == Signature(text="Anna", html="<b>Anna</b>")
    assert (now.live, now.repeated_within, now.allowed) == (True, timedelta(minutes=3), None)
    preferences.add(ANNA, Kind.REPEATED_WITHIN, SettingChange(value="1d"))
    store.confine("acme", True)
    running(store, tenant).bring("acme")
    now = read_run_time(tenant)
    assert now is not None
    assert (now.repeated_within, now.allowed) == (timedelta(days=1), frozenset({"qa@example.net"}))
    store.confine("acme", False)
    running(store, tenant).bring("acme")
    assert (read_run_time(tenant) or now).allowed is None


def test_suspended_and_deleted_domains_are_off_at_once(
    store_and_clock: tuple[SettingsStore, Clock], tenant: Table
) -> None:
    """Long before a deployment takes anything away."""
    store, clock = store_and_clock
    prove(store, ANNA)
    domains = Domains(store=store)
    running(store, tenant).bring("acme")
    assert (read_run_time(tenant) or pytest.fail("nothing came")).live
    claim = domains.one("acme", DOMAIN)
    domains.checked(ANNA, claim, NOWHERE)
    clock.forward(hours=73)
    domains.checked(ANNA, claim, NOWHERE)
    running(store, tenant).bring("acme")
    assert not (read_run_time(tenant) or pytest.fail("nothing came")).live


def test_others_get_nothing_of_it(store_and_clock: tuple[SettingsStore, Clock], tenant: Table) -> None:
    """Neither an organisation that only claims the name, nor one without tenants."""
    store, _ = store_and_clock
    Domains(store=store).add(BORIS, DOMAIN, REGISTERED)
    Addresses(store=store).add(BORIS, SALES, AddressChange(name="Not Acme"))
    assert Running(store=store, put=lambda *_: pytest.fail("was brought")).bring("globex") == 0
    assert read_run_time(tenant) is None


def test_names_fit_one_item(make_store: MakeStore) -> None:
    """Each new or longer name is counted with all others; a shorter one is taken."""
    store, _ = make_store(replace(Limits(), names_bytes=10))
    prove(store, ANNA)
    addresses = Addresses(store=store)
    first = addresses.add(ANNA, SALES, AddressChange(name="12345678"))
    with pytest.raises(RefusedError, match="must be at most 10 bytes together, would be 11"):
        addresses.add(ANNA, f"old@{DOMAIN}", AddressChange(name="123"))
    with pytest.raises(RefusedError, match="would be 12"):
        addresses.update(ANNA, first.id, AddressChange(name="éééééé"))
    assert addresses.update(ANNA, first.id, AddressChange(name="12")).name == "12"
