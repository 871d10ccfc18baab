"""Beginnings of pages: text for URLs and logs, without addresses. Other lists refuse it."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.store.cursors import (
    Pages,
    address_pages,
    event_pages,
    message_pages,
    request_pages,
    suppression_pages,
    thread_pages,
)
from mailroom.store.sending_events import record_sending_event
from mailroom.store.suppression import suppress
from mailroom.tracking.model import SendingEvent, SendingEventKind
from tests.mailroom.store.conftest import Store, everything, mail

ALL: list[Pages] = [
    thread_pages(),
    request_pages(),
    message_pages(),
    address_pages("anna@example.net"),
    event_pages("0100"),
    suppression_pages(),
]
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def tokens(store: Store) -> dict[str, str]:
    """The `next` of each list's first page, of two items that are there."""
    for number in range(2):
        store.file(mail(f"m{number}", minute=number))
        store.file(mail(f"n{number}", *(["n0"] if number else []), minute=number))
        event = SendingEvent(SendingEventKind.BOUNCE, "0100", AT.replace(minute=number))
        record_sending_event(store.writer().table, event, None)
        suppress(store.writer().table, f"bob{number}@example.com", event, plain=True)
    reader = store.reader
    (thread,) = [one.thread for one in reader.threads().items if one.messages > 1]
    return {
        "threads": reader.threads(limit=1).next,
        "thread": reader.thread(thread, limit=1).next,
        "by_address": reader.by_address("anna@example.net", limit=1).next,
        "engagements": reader.sending_events("0100", limit=1).next,
        "suppressions": reader.suppressions(limit=1).next,
    }


def test_no_cursor_holds_an_address(store: Store) -> None:
    """Neither in clear nor encoded; each may stand in a URL as it is."""
    found = tokens(store)
    assert all(found.values())
    for token in found.values():
        decoded = base64.urlsafe_b64decode(token + "===").decode()
        assert not re.search("anna|bob|example|@", token + decoded)
        assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


def test_cursor_of_one_list_is_refused_by_another(store: Store) -> None:
    """And the text does not repeat it."""
    found = tokens(store)
    reader = store.reader
    calls: dict[str, Any] = {
        "threads": reader.threads,
        "thread": lambda after: reader.thread("0" * 64, after=after),
        "by_address": lambda after: reader.by_address("anna@example.net", after=after),
        "engagements": lambda after: reader.sending_events("0100", after=after),
        "suppressions": reader.suppressions,
    }
    for name, call in calls.items():
        for other, token in found.items():
            if other != name:
                with pytest.raises(ValueError, match="after must be the `next`") as refused:
                    call(after=token)
                assert token not in str(refused.value)


@given(
    st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
)
def test_any_text_is_a_position_or_refused(token: str) -> None:
    """No other error, whatever stands in a URL."""
    for pages in ALL:
        try:
            position = pages.position(token)
        except ValueError:
            continue
        assert position is None or pages.position(pages.token(position)) == position


@pytest.mark.parametrize(
    "made_up",
    [
        ["address", "\ud800AT#"],
        ["address", ""],
        ["address", "XX"],
        ["address", 7],
        {"sk": "AT#"},
        ["address"],
        [[["a"]]],
        None,
    ],
    ids=str,
)
def test_made_up_position_is_refused(made_up: object) -> None:
    """What no page ever gave."""
    token = base64.urlsafe_b64encode(json.dumps(made_up).encode()).decode()
    with pytest.raises(ValueError, match="after must be the `next`"):
        address_pages("anna@example.net").position(token)
    deep = base64.urlsafe_b64encode(b"[" * 200_000).decode()
    with pytest.raises(ValueError, match="after must be the `next`"):
        address_pages("anna@example.net").position(deep)


def test_order_within_one_second_is_stable(store: Store) -> None:
    """Messages of one second are in the same order in each direction, however they are divided into pages."""
    for number in range(7):
        store.file(mail(f"m{number}", *(["m0"] if number else [])))
    (thread,) = store.reader.threads().items
    whole = [one.digest for one in store.reader.thread(thread.thread).items]
    assert len(whole) == 7
    backwards = [one.digest for one in store.reader.thread(thread.thread, latest_first=True).items]
    assert backwards == whole[::-1]
    for limit in (1, 2, 3):
        assert [one.digest for one in everything(store.reader.thread, thread.thread, limit=limit)] == whole
        found = everything(store.reader.by_address, "anna@example.net", limit=limit)
        assert [one.digest for one in found] == whole[::-1]


def test_events_of_one_millisecond_stand_as_ses_made_them(store: Store) -> None:
    """SES accepts a message before it delivers it, whichever of the two came first."""
    for kind in (SendingEventKind.OPEN, SendingEventKind.DELIVERY, SendingEventKind.SEND):
        record_sending_event(store.writer().table, SendingEvent(kind=kind, ses_id="0102", at=AT), None)
    found = [one.kind for one in store.reader.sending_events("0102").items]
    assert found == [SendingEventKind.SEND, SendingEventKind.DELIVERY, SendingEventKind.OPEN]
