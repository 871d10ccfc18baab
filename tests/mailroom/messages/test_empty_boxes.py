"""Addresses in a header full of commas: passed by at once, and read as before."""

from __future__ import annotations

import importlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages.addresses import addresses

reading = importlib.import_module("mailroom.messages.addresses")
PIECES = st.sampled_from(
    [",", ",,", ", ,", ";", ":", " ", "a", "b c", "a@b.example", "<x@y.example>", '"q, r"', "(c)", "\t"]
)


def read(header: str) -> tuple[object, list[str]]:
    """The addresses, and what was noted of them."""
    notes: list[str] = []
    return addresses(header, notes.append), notes


@given(st.lists(PIECES, max_size=25).map("".join))
def test_nothing_between_commas_changes_nothing(header: str) -> None:
    """As if each comma were looked at by itself."""
    found = read(header)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "_behind_nothing", lambda _header, at, _group: at)
        assert read(header) == found


@pytest.mark.parametrize("pair", [",", ", ", ",;", ";\t"])
def test_megabyte_of_commas_takes_no_time(pair: str) -> None:
    """It took seconds, and a message may hold many such headers."""
    begun = time.perf_counter()
    assert read(pair * 500_000) == ((), [])
    assert time.perf_counter() - begun < 1
