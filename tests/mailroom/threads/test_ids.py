"""Identifiers, as the world writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.threads.ids import MOST_IDS, message_ids


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<a@x.example>", ("a@x.example",)),
        ("<a@x.example> <b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example>,\r\n <b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example><b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example> <a@x.example>", ("a@x.example",)),
        ("<a-very-long-one\r\n @x.example>", ("a-very-long-one@x.example",)),
        ("a@x.example", ("a@x.example",)),
        ("a@x.example b@x.example", ("a@x.example", "b@x.example")),
        ('Your message of "Mon, 23 Nov 2026" <a@x.example>', ("a@x.example",)),
        ("(comment) <a@x.example> (another)", ("a@x.example",)),
        ("<no-at-sign>", ("no-at-sign",)),
        ("<a@[192.0.2.1]>", ("a@[192.0.2.1]",)),
        ('<"quoted left"@x.example>', ('"quotedleft"@x.example',)),
        ("<a@x.example", ("a@x.example",)),
        ("<>", ()),
        ("", ()),
        ("nothing here", ()),
        (f"<{'x' * 999}>", ()),
    ],
)
def test_forms(header: str, expected: tuple[str, ...]) -> None:
    """Folded, doubled, bare, with prose or comments around them, and none."""
    assert message_ids(header) == expected


def test_most_of_one_header() -> None:
    """The first and the last count; a header of megabytes costs no more than reading it."""
    header = " ".join(f"<m{n}@x.example>" for n in range(100_000))
    ids = message_ids(header)
    assert len(ids) == MOST_IDS
    assert (ids[0], ids[1], ids[-1]) == ("m0@x.example", f"m{100_001 - MOST_IDS}@x.example", "m99999@x.example")


@given(st.text())
def test_anything(header: str) -> None:
    """Each once, none empty, none with what ends one."""
    ids = message_ids(header)
    assert len(set(ids)) == len(ids)
    for one in ids:
        assert one
        assert not set(one) & set("<>\n ")
