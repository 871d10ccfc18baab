"""Settings in DynamoDB: whole changes, one holder whoever races, limits, and a note of each change."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from constructs_lib.naming import check_identifier
from mailroom.settings.claims import Ownership, Status
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen, tenant_id
from mailroom.settings.entries import Kind
from mailroom.settings.keys import AUDIT_PREFIX, names_key, organization_partition
from mailroom.settings.lifetimes import Limits, Rate
from mailroom.settings.preferences import Preferences, SettingChange
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.settings.store import Actor, Change, SettingsStore
from mailroom.store.keys import PARTITION
from tests.mailroom.settings.conftest import Clock, MakeStore

pytestmark = pytest.mark.servers

ANNA = Actor(organization="acme", user="anna")
BORIS = Actor(organization="globex", user="boris")
DOMAIN, REGISTERED = "mail.acme.example", "acme.example"
EVERYWHERE = Seen(everywhere=True, nowhere=False, text="seen at 4 of 4 servers")
NOWHERE = Seen(everywhere=False, nowhere=True, text="seen at 0 of 4 servers")


def prove(store: SettingsStore, actor: Actor, domain: str = DOMAIN) -> None:
    """The domain is claimed and proven."""
    claim = Domains(store=store).add(actor, domain, REGISTERED)
    assert Domains(store=store).checked(actor, claim, EVERYWHERE).ownership is Ownership.PROVEN


def notes(store: SettingsStore, organization: str) -> list[dict[str, Any]]:
    """Notes about an organisation."""
    return store.items(organization, AUDIT_PREFIX)


def test_adding_a_domain_twice_is_one(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """The second answer has the same id and token, and nothing more is written."""
    store, _ = store_and_clock
    first, second = (Domains(store=store).add(ANNA, DOMAIN, REGISTERED) for _ in range(2))
    assert (first.id, first.token) == (second.id, second.token)
    assert len(notes(store, "acme")) == 1
    assert [one.domain for one in Domains(store=store).all("acme")] == [DOMAIN]


def test_each_organization_sees_its_own(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Both have claimed the name; each has its own token and id, and neither sees the other's."""
    store, _ = store_and_clock
    one, other = (Domains(store=store).add(actor, DOMAIN, REGISTERED) for actor in (ANNA, BORIS))
    assert len({one.token, other.token}) == len({one.id, other.id}) == 2
    assert Domains(store=store).one("globex", DOMAIN).token == other.token


def test_the_first_proof_wins_and_the_second_is_told(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Whoever is late stays with a claim that says why, and a third cannot even claim."""
    store, _ = store_and_clock
    domains = Domains(store=store)
    late = domains.add(BORIS, DOMAIN, REGISTERED)
    prove(store, ANNA)
    told = domains.checked(BORIS, late, EVERYWHERE)
    assert (told.status, told.wanted) == (Status.CLAIMED, 0)
    assert told.seen.startswith(f'domain "{DOMAIN}": is held')
    with pytest.raises(RefusedError, match="is held"):
        domains.add(Actor(organization="initech", user="c"), f"eu.{DOMAIN}", REGISTERED)


@pytest.mark.parametrize("names", [(DOMAIN, DOMAIN), (DOMAIN, f"eu.{DOMAIN}"), (f"eu.{DOMAIN}", DOMAIN)])
def test_of_two_proofs_at_once_one_holds(
    store_and_clock: tuple[SettingsStore, Clock], names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read before either writes; the one whose write comes second decides anew, and is refused."""
    store, _ = store_and_clock
    domains = Domains(store=store)
    claims = [domains.add(actor, name, REGISTERED) for actor, name in zip((ANNA, BORIS), names, strict=True)]
    both_read, writes = threading.Barrier(2), SettingsStore._writes

    def together(*arguments: Any) -> Any:
        if not both_read.broken:
            try:
                both_read.wait(timeout=5)
            finally:
                both_read.abort()
        return writes(*arguments)

    monkeypatch.setattr(SettingsStore, "_writes", together)

    def one(actor: Actor, number: int) -> Ownership:
        try:
            return domains.checked(actor, claims[number], EVERYWHERE).ownership
        except threading.BrokenBarrierError:
            return domains.checked(actor, claims[number], EVERYWHERE).ownership

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, (ANNA, BORIS), (0, 1)))
    assert sorted(found) == [Ownership.CLAIMED, Ownership.PROVEN]
    item = store.table.get(names_key(REGISTERED))
    assert item is not None
    assert len(item["names"]) == 1


def test_a_token_of_an_earlier_claim_proves_nothing(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """A check that began before the domain was deleted and added again is refused."""
    store, _ = store_and_clock
    domains = Domains(store=store)
    old = domains.add(ANNA, DOMAIN, REGISTERED)
    domains.delete(ANNA, DOMAIN)
    new = domains.add(ANNA, DOMAIN, REGISTERED)
    assert new.token != old.token
    with pytest.raises(RefusedError) as caught:
        domains.checked(ANNA, old, EVERYWHERE)
    assert caught.value.reason is Reason.CHANGED
    assert domains.one("acme", DOMAIN).status is Status.CLAIMED


def test_a_claim_that_ran_out_is_not_there(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """After 14 days nobody sees it, though DynamoDB deletes later; adding the domain makes a new one."""
    store, clock = store_and_clock
    old = Domains(store=store).add(ANNA, DOMAIN, REGISTERED)
    clock.forward(days=14)
    assert list(Domains(store=store).all("acme")) == []
    with pytest.raises(RefusedError, match="not found"):
        Domains(store=store).checked(ANNA, old, EVERYWHERE)
    assert Domains(store=store).add(ANNA, DOMAIN, REGISTERED).token != old.token


def test_deleting_lets_the_name_rest(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Others are refused for 30 days; the addresses are gone at once, also after the domain is added again."""
    store, clock = store_and_clock
    domains, addresses = Domains(store=store), Addresses(store=store)
    prove(store, ANNA)
    addresses.add(ANNA, f"sales@{DOMAIN}", AddressChange())
    domains.delete(ANNA, DOMAIN)
    assert list(domains.all("acme")) == []
    assert store.items("acme", "ADDRESS#") == []
    with pytest.raises(RefusedError, match="rests"):
        domains.add(BORIS, DOMAIN, REGISTERED)
    domains.add(ANNA, DOMAIN, REGISTERED)
    assert list(addresses.all("acme")) == []
    clock.forward(days=30)
    domains.add(BORIS, DOMAIN, REGISTERED)


def test_a_deployed_domain_leaves_first(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Deleting it wants its removal; it stays in the list as leaving, and cannot be added until it is gone."""
    store, _ = store_and_clock
    domains = Domains(store=store)
    prove(store, ANNA)
    deployed = replace(domains.one("acme", DOMAIN), deployed=1)
    store.change(ANNA, lambda _: Change(result=None, operation="deployed", after=[deployed]))
    domains.delete(ANNA, DOMAIN)
    leaving = domains.one("acme", DOMAIN)
    assert (leaving.status, leaving.wanted) == (Status.LEAVING, 2)
    with pytest.raises(RefusedError, match="is being deleted"):
        domains.add(ANNA, DOMAIN, REGISTERED)
    with pytest.raises(RefusedError, match="add the domain first"):
        Addresses(store=store).add(ANNA, f"sales@{DOMAIN}", AddressChange())


def test_three_days_without_proof_suspend(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """A check that finds it nowhere begins the time; one that cannot tell does not end it."""
    store, clock = store_and_clock
    domains = Domains(store=store)
    prove(store, ANNA)
    silent = Seen(everywhere=False, nowhere=False, text="no server answers")
    assert domains.checked(ANNA, domains.one("acme", DOMAIN), silent).unseen_since is None
    for hours, status in ((0, Status.PROVEN), (71, Status.PROVEN), (1, Status.SUSPENDED)):
        clock.forward(hours=hours)
        assert domains.checked(ANNA, domains.one("acme", DOMAIN), NOWHERE).status is status
    assert domains.checked(ANNA, domains.one("acme", DOMAIN), EVERYWHERE).status is Status.PROVEN


def test_checks_are_30_seconds_apart(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """In between the domain is not due."""
    store, clock = store_and_clock
    domains = Domains(store=store)
    claim = domains.add(ANNA, DOMAIN, REGISTERED)
    assert domains.due("acme", DOMAIN) is not None
    domains.checked(ANNA, claim, NOWHERE)
    clock.forward(seconds=29)
    assert domains.due("acme", DOMAIN) is None
    clock.forward(seconds=1)
    assert domains.due("acme", DOMAIN) is not None


def test_addresses_are_wanted_once_their_domain_is_proven(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Before the proof no revision is wanted; after it each address that is added or deleted wants another one."""
    store, _ = store_and_clock
    domains, addresses = Domains(store=store), Addresses(store=store)
    claim = domains.add(ANNA, DOMAIN, REGISTERED)
    early = addresses.add(ANNA, f"sales@{DOMAIN}", AddressChange(name="Sales"))
    assert domains.one("acme", DOMAIN).wanted == 0
    domains.checked(ANNA, claim, EVERYWHERE)
    addresses.add(ANNA, f"help@{DOMAIN}", AddressChange())
    addresses.update(ANNA, early.id, AddressChange(name="Sales team", active=False))
    addresses.delete(ANNA, early.id)
    assert domains.one("acme", DOMAIN).wanted == 3
    assert [one.address for one in addresses.all("acme")] == [f"help@{DOMAIN}"]


def test_one_address_is_primary(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Making another primary unsets the first; the primary one cannot be switched off, nor one of a claim be primary."""
    store, _ = store_and_clock
    addresses = Addresses(store=store)
    claim = Domains(store=store).add(ANNA, DOMAIN, REGISTERED)
    for local in ("a", "b"):
        addresses.add(ANNA, f"{local}@{DOMAIN}", AddressChange())
    with pytest.raises(RefusedError, match="verify its domain first"):
        addresses.make_primary(ANNA, f"a@{DOMAIN}")
    Domains(store=store).checked(ANNA, claim, EVERYWHERE)
    addresses.make_primary(ANNA, f"a@{DOMAIN}")
    second = addresses.make_primary(ANNA, f"b@{DOMAIN}")
    assert [(one.address[0], one.primary) for one in addresses.all("acme")] == [("a", False), ("b", True)]
    with pytest.raises(RefusedError, match="make another one primary"):
        addresses.update(ANNA, second.id, AddressChange(active=False))


def test_what_others_have_is_not_found(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Each id of one organisation is unknown to the other."""
    store, _ = store_and_clock
    addresses, preferences = Addresses(store=store), Preferences(store=store)
    Domains(store=store).add(ANNA, DOMAIN, REGISTERED)
    address = addresses.add(ANNA, f"sales@{DOMAIN}", AddressChange())
    signature = preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="Regards"))
    for ask in (
        lambda: addresses.one("globex", address.id),
        lambda: addresses.update(BORIS, address.id, AddressChange(name="x")),
        lambda: addresses.delete(BORIS, address.id),
        lambda: preferences.one("globex", Kind.SIGNATURE, signature.id),
        lambda: preferences.update(BORIS, Kind.SIGNATURE, signature.id, SettingChange(value="x")),
        lambda: preferences.delete(BORIS, Kind.SIGNATURE, signature.id),
        lambda: Domains(store=store).delete(BORIS, DOMAIN),
    ):
        with pytest.raises(RefusedError) as caught:
            ask()
        assert caught.value.reason is Reason.MISSING


def test_a_change_that_was_not_seen_is_refused(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """The revision that the caller names must be the last one."""
    store, _ = store_and_clock
    preferences = Preferences(store=store)
    first = preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="Regards"))
    second = preferences.update(ANNA, Kind.SIGNATURE, first.id, SettingChange(value="Best"), first.revision)
    with pytest.raises(RefusedError) as caught:
        preferences.update(ANNA, Kind.SIGNATURE, first.id, SettingChange(value="Yours"), first.revision)
    assert caught.value.reason is Reason.CHANGED
    assert preferences.delete(ANNA, Kind.SIGNATURE, first.id, second.revision).value == "Best"


def test_a_key_makes_one_signature(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Asking again with the same key gives the same; with other values it is refused; without a key there are two."""
    store, _ = store_and_clock
    preferences = Preferences(store=store)
    one, other = (preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="A"), key="k") for _ in range(2))
    assert one.id == other.id
    with pytest.raises(RefusedError, match="was used with other values"):
        preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="B"), key="k")
    without = {preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="A")).id for _ in range(2)}
    assert len(without) == 2


def test_the_time_for_repeated_mail_is_one(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Adding it again changes it."""
    store, _ = store_and_clock
    preferences = Preferences(store=store)
    for value in ("5m", "1d"):
        preferences.add(ANNA, Kind.REPEATED_WITHIN, SettingChange(value=value))
    assert [one.value for one in preferences.all("acme", Kind.REPEATED_WITHIN)] == ["1d"]


def test_each_accepted_write_is_noted_without_its_content(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Who, when, what and digests; names, texts and addresses stay out; a refused one leaves no note."""
    store, _ = store_and_clock
    claim = Domains(store=store).add(ANNA, DOMAIN, REGISTERED)
    Domains(store=store).checked(ANNA, claim, EVERYWHERE)
    Addresses(store=store).add(ANNA, f"secret@{DOMAIN}", AddressChange(name="Secret Name"))
    signature = Preferences(store=store).add(ANNA, Kind.SIGNATURE, SettingChange(value="Secret text"))
    Preferences(store=store).delete(ANNA, Kind.SIGNATURE, signature.id)
    with pytest.raises(RefusedError):
        Preferences(store=store).delete(ANNA, Kind.SIGNATURE, signature.id)
    found = notes(store, "acme")
    assert [one["operation"] for one in found] == [
        "addDomain",
        "proveDomain",
        "addEmailAddress",
        "addSetting",
        "deleteSetting",
    ]
    assert {one["user"] for one in found} == {"anna"}
    assert "ecret" not in str(found)
    last = found[-1]["subjects"][0]
    assert (len(last["before"]), last["after"]) == (64, "")


def test_limits_of_each_organization(make_store: MakeStore) -> None:
    """The one too many is refused, and deleting makes room; the other organisation has limits of its own."""
    limits = Limits(domains=4, pending=2, addresses=1, signatures=1, signature_bytes=10)
    store, _ = make_store(limits)
    domains, addresses, preferences = Domains(store=store), Addresses(store=store), Preferences(store=store)
    for number in range(2):
        domains.add(ANNA, f"m{number}.acme.example", REGISTERED)
    with pytest.raises(RefusedError, match="at most 2 that are not verified"):
        domains.add(ANNA, "m2.acme.example", REGISTERED)
    domains.add(BORIS, "m2.acme.example", REGISTERED)
    domains.delete(ANNA, "m0.acme.example")
    domains.add(ANNA, "m3.acme.example", REGISTERED)
    addresses.add(ANNA, "a@m1.acme.example", AddressChange())
    with pytest.raises(RefusedError, match="addresses: must be at most 1"):
        addresses.add(ANNA, "b@m1.acme.example", AddressChange())
    with pytest.raises(RefusedError, match="at most 10 bytes, is 12"):
        preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="üüüüüü"))
    preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="short"))
    with pytest.raises(RefusedError, match="signature: must be at most 1;"):
        preferences.add(ANNA, Kind.SIGNATURE, SettingChange(value="other"))


def test_what_is_done_too_often_is_refused_until_the_window_is_over(make_store: MakeStore) -> None:
    """The refusal says when to come back, and then it is taken; others have windows of their own."""
    store, clock = make_store()
    rate = Rate(name="writes", most=3, seconds=60)
    clock.forward(seconds=20)
    for _ in range(3):
        store.spend("acme", rate)
    with pytest.raises(RefusedError) as caught:
        store.spend("acme", rate)
    assert caught.value.reason is Reason.TOO_FAST
    store.spend("globex", rate)
    clock.forward(seconds=caught.value.retry_after_seconds)
    store.spend("acme", rate)


def test_all_that_an_organization_writes_is_in_its_partition(store_and_clock: tuple[SettingsStore, Clock]) -> None:
    """Nothing but a proof writes elsewhere, so that a session may be let into one partition alone."""
    store, _ = store_and_clock
    claim = Domains(store=store).add(ANNA, DOMAIN, REGISTERED)
    address = Addresses(store=store).add(ANNA, f"a@{DOMAIN}", AddressChange())
    Preferences(store=store).add(ANNA, Kind.SIGNATURE, SettingChange(value="Regards"))
    Addresses(store=store).delete(ANNA, address.id)
    store.spend("acme", store.limits.writes)
    items = store.table.client.scan(TableName=store.table.name)["Items"]
    assert {one[PARTITION]["S"] for one in items} == {organization_partition("acme")}
    Domains(store=store).checked(ANNA, claim, EVERYWHERE)
    items = store.table.client.scan(TableName=store.table.name)["Items"]
    assert {one[PARTITION]["S"] for one in items} == {organization_partition("acme"), names_key(REGISTERED)[0]}


@pytest.mark.parametrize(
    ("organization", "starts"),
    [("acme", "acme-"), ("739224", "o-739224-"), ("Ümläut & Co", "ml-ut-co-"), ("_", "o-"), ("a" * 64, "a" * 25 + "-")],
)
def test_infrastructure_has_an_id_that_names_can_hold(organization: str, starts: str) -> None:
    """Whatever an organisation is called; two domains of one have two."""
    one, other = (tenant_id(organization, domain) for domain in (DOMAIN, f"eu.{DOMAIN}"))
    assert check_identifier("id", one) != check_identifier("id", other)
    assert one.startswith(starts)
