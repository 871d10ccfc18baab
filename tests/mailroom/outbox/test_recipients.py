"""Whom a composed message goes to is read from it with the project's own reader, and is whom it was composed for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages.model import Address
from mailroom.outbox.compose import compose
from mailroom.outbox.composed import recipients_in
from tests.mailroom.outbox.test_sending import RECEIPT
from tests.untraced import unwatched

AT = datetime(2026, 11, 2, tzinfo=UTC)
_LOCAL = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[A-Za-z0-9+_-]{1,20}){0,2}", fullmatch=True)
_NAME = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), max_size=120)
ADDRESSES = st.builds(Address, st.builds("{}@{}.example".format, _LOCAL, st.sampled_from(["net", "post.acme"])), _NAME)


@unwatched()
@pytest.mark.slow
@given(
    to=st.lists(ADDRESSES, min_size=1, max_size=20),
    cc=st.lists(ADDRESSES, max_size=10),
    bcc=st.lists(ADDRESSES, max_size=10),
)
def test_recipients_are_those_it_was_composed_for(to: list[Address], cc: list[Address], bcc: list[Address]) -> None:
    """Each once, in their order, whatever they are called."""
    raw = compose(replace(RECEIPT, to=tuple(to), cc=tuple(cc), bcc=tuple(bcc)), id="a" * 32, at=AT)
    assert recipients_in(raw) == tuple(dict.fromkeys(one.address for one in (*to, *cc, *bcc)))


def test_comma_at_the_end_of_a_line() -> None:
    """It stays a comma in front of a name that is encoded, so that nobody is lost, and each mailbox has lines of its own."""
    long = Address("d%ohOHC%cwKa000000.0.00000000@post.acme.example", "Å9ßÚ(v뚸")
    boxes = (long, Address("anna@example.net", "Zoë"), Address("b@example.net"), Address("c@example.net", "Doe, Jane"))
    raw = compose(replace(RECEIPT, to=boxes, cc=boxes[:2]), id="a" * 32, at=AT)
    header = raw.partition(b"\r\n\r\n")[0]
    assert b"=2C" not in header
    assert recipients_in(raw) == tuple(one.address for one in boxes)
    read = message_from_bytes(raw, policy=SMTP)["to"].addresses
    assert [(one.addr_spec, one.display_name) for one in read] == [(one.address, one.name) for one in boxes]
    assert max(len(line) for line in header.split(b"\r\n")) <= 78
