"""Durations as customers write them, and entries as items."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.settings.claims import Claim, Ownership
from mailroom.settings.entries import AddressEntry, Kind, Setting, repeated_within
from mailroom.settings.items import digest, item_of, read

NOW = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("5m", 300), ("1d", 86_400), ("2h", 7_200), ("1500", 1.5), ("0", 0), ("-5m", 300), ("+250ms", 0.25)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """A number with a unit, or of milliseconds; a sign is ignored."""
    assert repeated_within(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "m", "5 m", "5w", "--5m", "1e3", "٣s", "31d", "9" * 40, "5m\n5m", "0x10"])
def test_other_durations_are_refused(text: str) -> None:
    """Neither another unit, nor another digit, nor more than 30 days."""
    with pytest.raises(ValueError, match="write it as"):
        repeated_within(text)


@given(st.text(max_size=60))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Nothing else happens."""
    with contextlib.suppress(ValueError):
        assert timedelta(0) <= repeated_within(text) <= timedelta(days=30)


TEXTS = st.text(max_size=20)


@given(name=TEXTS, ids=st.lists(TEXTS, max_size=3), active=st.booleans())
def test_addresses_come_back_as_they_were_written(name: str, ids: list[str], active: bool) -> None:
    """Every field, whatever is in it; another state has another digest."""
    entry = AddressEntry(
        organization="acme",
        id="1",
        address="a@mail.acme.example",
        domain="mail.acme.example",
        token="t",
        name=name,
        user_ids=tuple(ids),
        active=active,
        created_at=NOW,
        created_by="u",
        updated_at=NOW,
        updated_by="u",
    )
    assert read(AddressEntry, item_of(entry)) == entry
    assert digest(entry) != digest(replace(entry, active=not active))


def test_claims_and_settings_come_back_as_they_were_written() -> None:
    """Times, kinds and what is not there."""
    claim = Claim(
        organization="acme",
        domain="mail.acme.example",
        registered="acme.example",
        id="1",
        tenant="acme-1",
        token="t",
        ownership=Ownership.SUSPENDED,
        created_at=NOW,
        created_by="u",
        updated_at=NOW,
        updated_by="u",
        proven_at=NOW,
        wanted=3,
    )
    assert read(Claim, item_of(claim)) == claim
    setting = Setting(
        organization="acme",
        kind=Kind.SIGNATURE,
        id="1",
        value="Regards",
        created_at=NOW,
        created_by="u",
        updated_at=NOW,
        updated_by="u",
    )
    assert read(Setting, item_of(setting)) == setting
    assert "expires" not in item_of(claim)
    assert item_of(replace(claim, expires_at=NOW))["expires"] == int(NOW.timestamp()) + 86_400
