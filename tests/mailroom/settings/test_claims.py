"""The life of a domain: two hostile organisations, in any order of what they can do."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailroom.settings.claims import Claim, Ownership, Status, given_up, new_claim, proven, unseen, wanting_more
from mailroom.settings.deployments import begun, done, due, failed, removed
from mailroom.settings.entries import AddressEntry, desired
from mailroom.settings.lifetimes import CLAIM_LIVES, REST, UNSEEN_FOR
from mailroom.settings.names_held import NamesHeld
from mailroom.settings.refusals import Reason, RefusedError

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
REGISTERED = "acme.example"
NAMES = ("mail.acme.example", "eu.mail.acme.example", "x.eu.mail.acme.example", "email.acme.example")
ORGANIZATIONS = ("honest", "hostile")
NONE_HELD = NamesHeld(registered=REGISTERED)


def claim_of(organization: str, domain: str = NAMES[0], *, held: NamesHeld = NONE_HELD, now: datetime = START) -> Claim:
    """A new claim."""
    return new_claim(organization, domain, REGISTERED, held=held, tenant=f"{organization}-1", user="u", now=now)


def nested(one: str, other: str) -> bool:
    """Whether one name is the other, or lies in it."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def address_in(claim: Claim) -> AddressEntry:
    """An address that was added under a claim."""
    return AddressEntry(
        organization=claim.organization,
        id="1",
        address=f"sales@{claim.domain}",
        domain=claim.domain,
        token=claim.token,
        created_at=START,
        created_by="u",
        updated_at=START,
        updated_by="u",
    )


class TwoOrganizations(RuleBasedStateMachine):
    """Both claim, check, delete and deploy as they like; DNS shows the token of whomever its owner lets. Writes are conditional."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.held = NONE_HELD
        self.claims: dict[tuple[str, str], Claim] = {}
        self.dns: dict[str, str] = {}
        self.seen_tokens: set[str] = set()
        self.old_tokens: list[tuple[str, str]] = []
        self.prepared: list[tuple[int, Claim]] = []
        self.released: dict[str, tuple[str, datetime]] = {}

    def write(self, held: NamesHeld) -> None:
        """A write to the table, which raises the version."""
        self.held = NamesHeld(registered=REGISTERED, names=held.names, version=self.held.version + 1)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def claim(self, organization: str, domain: str) -> None:
        """Anybody claims what is not held."""
        known = self.claims.get((organization, domain))
        if known is not None and known.lives(self.now):
            return
        try:
            self.claims[organization, domain] = claim_of(organization, domain, held=self.held, now=self.now)
        except RefusedError:
            others = [one for one in self.claims.values() if one.owned and nested(one.domain, domain)]
            rests = [name for name, (_, until) in self.released.items() if nested(name, domain) and self.now < until]
            assert others or rests

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def publish(self, organization: str, domain: str) -> None:
        """The holder of the domain's DNS sets an organisation's token there."""
        claim = self.claims.get((organization, domain))
        if claim is not None:
            self.dns[domain] = claim.token

    @rule(domain=st.sampled_from(NAMES))
    def unpublish(self, domain: str) -> None:
        """It is taken out again."""
        self.dns.pop(domain, None)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def look(self, organization: str, domain: str) -> None:
        """A check sees the token, and has not written what that means yet."""
        claim = self.claims.get((organization, domain))
        if claim is not None and self.dns.get(domain) == claim.token:
            self.seen_tokens.add(claim.token)
            self.prepared.append((self.held.version, claim))

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def claim_and_prove(self, organization: str, domain: str) -> None:
        """All of that at once, as fast as an organisation can."""
        self.claim(organization, domain)
        self.publish(organization, domain)
        self.look(organization, domain)
        if self.prepared:
            self.write_one(len(self.prepared) - 1)

    @precondition(lambda self: bool(self.prepared))
    @rule(data=st.data())
    def write_proof(self, data: st.DataObject) -> None:
        """The check writes: not when names or claim changed since it read them, and then it decides anew."""
        self.write_one(data.draw(st.integers(0, len(self.prepared) - 1)))

    def write_one(self, number: int) -> None:
        """Write what one check makes of the claim as it is now."""
        version, seen = self.prepared.pop(number)
        claim = self.claims.get((seen.organization, seen.domain))
        if claim is None or claim.token != seen.token or version > self.held.version:
            return
        try:
            after, held = proven(claim, self.held, self.now)
        except RefusedError:
            return
        self.claims[claim.organization, claim.domain] = after
        if held is not self.held:
            self.write(held)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def miss(self, organization: str, domain: str) -> None:
        """The daily check sees no token."""
        claim = self.claims.get((organization, domain))
        if claim is not None and self.dns.get(domain) != claim.token:
            self.claims[organization, domain] = unseen(claim, self.now)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def begin(self, organization: str, domain: str) -> None:
        """A run to what is wanted begins."""
        claim = self.claims.get((organization, domain))
        if claim is not None and due(claim, self.now):
            self.claims[organization, domain] = begun(claim, self.now)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES), fails=st.booleans())
    def end(self, organization: str, domain: str, fails: bool) -> None:
        """A run ends, whatever was changed meanwhile: one that began to remove it has removed it."""
        claim = self.claims.get((organization, domain))
        if claim is None or not claim.running:
            return
        if fails:
            self.claims[organization, domain] = failed(claim, claim.running, "SES refused", self.now)
        elif claim.ownership is Ownership.LEAVING and claim.running == claim.wanted:
            self.keep(claim, *removed(claim, self.held, self.now))
        else:
            self.claims[organization, domain] = done(claim, claim.running, name_servers=(), records=(), now=self.now)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def change(self, organization: str, domain: str) -> None:
        """An address is added."""
        claim = self.claims.get((organization, domain))
        if claim is not None:
            self.claims[organization, domain] = wanting_more(claim)

    @rule(organization=st.sampled_from(ORGANIZATIONS), domain=st.sampled_from(NAMES))
    def delete(self, organization: str, domain: str) -> None:
        """The owner gives it up."""
        claim = self.claims.get((organization, domain))
        if claim is not None:
            self.delete_one(claim)

    def delete_one(self, claim: Claim) -> None:
        """Write what giving up makes of it."""
        self.keep(claim, *given_up(claim, self.held, self.now))

    def keep(self, claim: Claim, after: Claim | None, held: NamesHeld) -> None:
        """Write what became of a claim that was given up."""
        if after is None:
            assert not claim.running or claim.ownership is Ownership.LEAVING, (
                "infrastructure comes after its claim is gone"
            )
            del self.claims[claim.organization, claim.domain]
            if claim.owned:
                self.released[claim.domain] = claim.organization, self.now + REST
        else:
            self.claims[claim.organization, claim.domain] = after
        if held is not self.held:
            self.write(held)

    @rule(days=st.sampled_from([0.5, 1, 3, 14, 30]))
    def wait(self, days: float) -> None:
        """Time passes, and claims end."""
        self.now += timedelta(days=days)
        self.claims = {key: one for key, one in self.claims.items() if one.lives(self.now)}

    @invariant()
    def one_holder(self) -> None:
        """No name, and none in or around it, is ever two organisations'."""
        owned = [one for one in self.claims.values() if one.owned]
        for one, other in itertools.combinations(owned, 2):
            assert not nested(one.domain, other.domain), (one, other)

    @invariant()
    def nothing_before_proof(self) -> None:
        """Nothing is wanted for a claim whose token was never seen in its own DNS."""
        for claim in self.claims.values():
            wish = desired(claim, (address_in(claim),))
            assert (wish is not None) == claim.owned
            assert wish is None or claim.token in self.seen_tokens
            assert claim.owned or not claim.wanted

    @invariant()
    def holders_are_written_down(self) -> None:
        """The table has the owner of each owned name, and no other name."""
        written = {(one.organization, one.name) for one in self.held.names.values() if one.rests_until is None}
        assert written == {(one.organization, one.domain) for one in self.claims.values() if one.owned}

    @invariant()
    def released_names_rest(self) -> None:
        """For 30 days nobody but its former owner holds a name that was given up, nor one in or around it."""
        for name, (organization, until) in self.released.items():
            if self.now < until:
                others = [one for one in self.claims.values() if one.owned and one.organization != organization]
                assert not [one for one in others if nested(one.domain, name)]


def _with_deployed(claim: Claim, revision: int) -> Claim:
    return replace(claim, deployed=revision, ready=True)


TestTwoOrganizations = pytest.mark.slow(TwoOrganizations.TestCase)
TestTwoOrganizations.settings = settings(max_examples=150, stateful_step_count=40)


def test_a_claim_gives_a_token_alone() -> None:
    """Two organisations may claim one name, each with 128 bits of its own, and nothing is wanted for either."""
    one, other = claim_of("a"), claim_of("b")
    assert one.token != other.token
    assert one.id != other.id
    assert [len(claim.token.removeprefix("email-claim=")) for claim in (one, other)] == [32, 32]
    assert (one.status, desired(one, (address_in(one),))) == (Status.CLAIMED, None)


def test_a_claim_ends_after_14_days() -> None:
    """A proof that comes later is none; one that comes just before is."""
    claim = claim_of("a")
    last = START + CLAIM_LIVES - timedelta(seconds=1)
    assert proven(claim, NONE_HELD, last)[0].status is Status.PROVEN
    with pytest.raises(RefusedError, match="has expired; add the domain again") as caught:
        proven(claim, NONE_HELD, START + CLAIM_LIVES)
    assert caught.value.reason is Reason.MISSING


def test_the_first_proof_wins() -> None:
    """Whoever proves later is refused, and is not told whose it is."""
    first, second = claim_of("first-organization"), claim_of("second-organization")
    _, held = proven(first, NONE_HELD, START)
    with pytest.raises(RefusedError, match="is held, or rests") as caught:
        proven(second, held, START)
    assert "first-organization" not in str(caught.value)


@pytest.mark.parametrize("domain", [NAMES[1], NAMES[2], NAMES[0]])
def test_nothing_in_or_around_a_held_name_is_given(domain: str) -> None:
    """A name below another's, above it, or the same is refused as a claim already."""
    _, held = proven(claim_of("a", NAMES[1]), NONE_HELD, START)
    with pytest.raises(RefusedError) as caught:
        claim_of("b", domain, held=held)
    assert caught.value.reason is Reason.CONFLICT


def test_a_name_beside_a_held_one_is_given() -> None:
    """That one ends with the other is no nesting."""
    _, held = proven(claim_of("a", "mail.acme.example"), NONE_HELD, START)
    assert claim_of("b", "email.acme.example", held=held).domain == "email.acme.example"


def test_a_released_name_rests_30_days_for_others() -> None:
    """Its former owner may claim it at once, and needs a new proof; others after 30 days."""
    claim, held = proven(claim_of("a"), NONE_HELD, START)
    left, held = given_up(claim, held, START)
    assert left is None
    again = claim_of("a", held=held, now=START)
    assert again.token != claim.token
    with pytest.raises(RefusedError):
        claim_of("b", held=held, now=START + REST - timedelta(seconds=1))
    assert claim_of("b", held=held, now=START + REST).status is Status.CLAIMED


def test_a_proof_that_is_gone_for_72_hours_suspends() -> None:
    """Two days do not; three do, and seeing it again ends it. Nothing is deleted."""
    claim, held = proven(claim_of("a"), NONE_HELD, START)
    claim = unseen(claim, START)
    claim = unseen(claim, START + timedelta(hours=48))
    assert claim.status is Status.PROVEN
    claim = unseen(claim, START + UNSEEN_FOR)
    wish = desired(claim, (address_in(claim),))
    assert (claim.status, claim.wanted) == (Status.SUSPENDED, 2)
    assert wish is not None
    assert (wish.live, wish.removed, wish.addresses) == (False, False, ("sales@mail.acme.example",))
    back, names = proven(claim, held, START + UNSEEN_FOR)
    assert (back.status, back.wanted, back.unseen_since) == (Status.PROVEN, 3, None)
    assert names is held


def test_what_is_deployed_goes_before_its_name_rests() -> None:
    """Until then the name is its owner's, and nothing but its removal is wanted."""
    claim, held = proven(claim_of("a"), NONE_HELD, START)
    leaving, same = given_up(_with_deployed(claim, 1), held, START)
    assert leaving is not None
    assert (leaving.ownership, same) == (Ownership.LEAVING, held)
    wish = desired(leaving, (address_in(leaving),))
    assert wish is not None
    assert (wish.removed, wish.addresses) == (True, ())
    assert given_up(leaving, held, START) == (leaving, held)
    gone, released = given_up(_with_deployed(leaving, 0), held, START)
    assert gone is None
    assert released.names[claim.domain].rests_until == START + REST


def test_addresses_of_an_earlier_claim_are_not_wanted() -> None:
    """Who claims a domain anew begins without addresses."""
    claim, _ = proven(claim_of("a"), NONE_HELD, START)
    wish = desired(claim, (address_in(claim_of("a")), address_in(claim)))
    assert wish is not None
    assert wish.addresses == ("sales@mail.acme.example",)
    later = desired(claim, (address_in(claim_of("a")),))
    assert later is not None
    assert later.addresses == ()


def test_an_active_domain_has_what_is_wanted() -> None:
    """And its records are in DNS; one whose last revision failed is told so, and more that is wanted takes nothing away."""
    claim, _ = proven(claim_of("a"), NONE_HELD, START)
    assert claim.status is Status.PROVEN
    active = _with_deployed(claim, 1)
    assert active.status is Status.ACTIVE
    assert replace(active, ready=False).status is Status.AWAITING_DNS
    assert replace(claim, running=1).status is Status.DEPLOYING
    assert wanting_more(active).status is Status.ACTIVE
    assert replace(active, failure="SES refused").status is Status.FAILED
