"""Answers to mail of programs are refused by the function, whoever made them, unless it is told to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mailroom.outbox import Outbox, OutboxState, answering
from mailroom.store import StoredMessage
from tests.mailroom.outbox.test_sending import RECEIPT, Ses, scanned, sending
from tests.mailroom.store.conftest import REGION, Store, everything, mail


def _received(store: Store, name: str, extra: str = "") -> StoredMessage:
    """A message that arrived, as an application reads it."""
    filed = store.file(mail(name).replace(b"Subject:", f"{extra}Subject:".encode()))
    found = store.reader.message(filed.digest)
    assert found is not None
    return found


MACHINES = ["Auto-Submitted: auto-replied\r\n", "Auto-Submitted: auto-generated (ticket)\r\n"]
LISTS = ["List-Id: <x.example>\r\n", "Precedence: bulk\r\n"]


@pytest.mark.parametrize(
    ("extra", "how", "goes"),
    [
        ("", {}, True),
        ("", {"automatic": True}, True),
        *((extra, {"automatic": automatic}, False) for extra in MACHINES for automatic in (False, True)),
        *((extra, {"automatic": automatic, "anyway": True}, True) for extra in MACHINES for automatic in (False, True)),
        *((extra, {"automatic": automatic}, not automatic) for extra in LISTS for automatic in (False, True)),
    ],
)
def test_answer_that_must_not_be_sent(
    store: Store, outbox: Outbox, extra: str, how: dict[str, Any], goes: bool
) -> None:
    """What an application makes of its own is refused by the function, by the kinds of the stored message, unless told to."""
    answered = _received(store, "question", extra)
    made = replace(RECEIPT, **how, **answering(answered.content))
    begun = outbox.send(made, key="k")
    ses = Ses()
    filed = sending(store, ses).take(scanned(store, begun.id))
    assert (filed is not None, len(ses.asked)) == (goes, int(goes))
    found = outbox.progress(begun.id)
    assert found is not None
    assert (found.state, found.reason) == ((OutboxState.SENT, "") if goes else (OutboxState.REFUSED, "automatic"))
    assert goes or found.explanation.startswith("in_reply_to: names a message that must not be answered")
    assert (b"Auto-Submitted: auto-replied" in b"".join(one["Content"]["Raw"]["Data"] for one in ses.asked)) is (
        goes and how.get("automatic", False)
    )


def test_answer_to_what_is_not_stored(store: Store, outbox: Outbox) -> None:
    """It goes, and so does one to a message of ours; a stranger cannot stop answers by using a Message-ID again."""
    for number, identifier in enumerate(("unknown@example.net", "question@example.net")):
        if number:
            _received(store, "question")
            again = mail("again").replace(b"again@", b"question@")
            store.file(again.replace(b"Subject:", f"{MACHINES[0]}Subject:".encode()))
            assert len(store.reader.by_message_id(identifier)) == 2
        begun = outbox.send(replace(RECEIPT, in_reply_to=identifier, automatic=True), key=identifier)
        assert sending(store, Ses()).take(scanned(store, begun.id)) is not None
    (own, *_) = everything(outbox.requests, limit=2)
    begun = outbox.send(replace(RECEIPT, in_reply_to=f"{own.ses_id}@{REGION}.amazonses.com"), key="once more")
    assert sending(store, Ses()).take(scanned(store, begun.id)) is not None
