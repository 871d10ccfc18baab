"""Entries are read as they were written, and nothing else is taken for one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.registry import Entry, entry_from

TEXT = st.text(min_size=1, max_size=20)
ENTRIES = st.builds(
    Entry,
    tenant=TEXT,
    stack=TEXT,
    table=TEXT,
    retention_days=st.none() | st.integers(1, 999_999),
    plain_addresses=st.booleans(),
    book=st.text(max_size=20),
)
GOOD: dict[str, Any] = Entry(tenant="acme", stack="arn", table="messages").as_json()


@given(ENTRIES)
def test_entry_is_as_it_was_written(entry: Entry) -> None:
    """Writing and reading are inverse."""
    assert entry_from(json.dumps(entry.as_json())) == entry


def test_retention() -> None:
    """Whole days; none is for ever."""
    assert Entry(tenant="acme", stack="arn", table="messages", retention_days=7).retention == timedelta(days=7)
    assert entry_from(json.dumps(GOOD)).retention is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tenant": ""}, "tenant, a text"),
        ({"stack": None}, "stack, a text"),
        ({"table": 7}, "table, a text"),
        ({"book": None}, "book, a text"),
        ({"addresses": "anna@example.net"}, "addresses, hashed or plain"),
        ({"retention_days": "7"}, "retention_days"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention_days": True}, "retention_days"),
        ({"retention_days": 10**9}, "retention_days"),
    ],
)
def test_what_is_no_entry(change: dict[str, Any], problem: str) -> None:
    """The error names the field, and nothing of the value."""
    with pytest.raises(ValueError, match=problem) as caught:
        entry_from(json.dumps({**GOOD, **change}))
    assert "anna" not in str(caught.value)


@given(st.text() | st.sampled_from(["[]", "1", "null", "{}", '"x"']))
def test_anything_else_is_refused(value: str) -> None:
    """With the one error that the registry expects."""
    with pytest.raises(ValueError, match="entry must"):
        entry_from(value)
