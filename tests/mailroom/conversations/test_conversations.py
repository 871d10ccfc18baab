"""Five rounds with each client: it shows our words, its answers are read, and all is one thread."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailroom.messages import Address, Message, parse
from mailroom.messages.joining import node_of
from mailroom.outbox import Outgoing, OutgoingFile, reply_to
from mailroom.outbox.compose import compose
from mailroom.threads import thread_messages

from .clients import CLIENTS

pytestmark = pytest.mark.servers

SUPPORT = Address("support@post.acme.example", "Støtte")
PERSON = Address("anna@example.net", "Anna")
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LONG = "Die Ablesung der Zähler im zweiten Obergeschoß ist für Donnerstag vorgesehen, bitte halten Sie die Räume offen."
LIST = OutgoingFile(filename="l.txt", content_type="text/plain", data="größte Zähler\n".encode())
OURS = (
    {"text": "Guten Tag,\n\nwie hoch ist der Zählerstand?\n"},
    {"html": "<p>Danke. Und der <b>zweite</b> Zähler?</p>"},
    {"text": f"{LONG}\n", "html": f"<p>{LONG}</p>"},
    {"text": "Anbei die Liste.\n", "attachments": (LIST,)},
    {"text": "> 100 kWh\n\nist der Tarif.\nFrom hier an gilt er.\n"},
)
SEEN = ("wie hoch ist der Zählerstand?", "zweite", "Räume offen", "Anbei die Liste.", "From hier an gilt er.")
THEIRS = (
    "Der Zählerstand ist 1.234 kWh.\n",
    "Größer als 100.\n\nGrüße\nJörg\n",
    "Wir sind da.\n",
    "Die Liste ist richtig. Straße 5 fehlt.\n",
    "Einverstanden, 14,50 €.\n",
)


def transmitted(outgoing: Outgoing, number: int) -> bytes:
    """A message as SES transmits it: with a Message-ID of SES's own instead of ours."""
    raw = compose(outgoing, id=f"{number:040}", at=BEGIN + timedelta(hours=2 * number))
    own = f"0102018c9f3a5b7{number}-11111111-2222-3333-4444-555555555555-000000@eu-central-1.amazonses.com"
    renamed, count = re.subn(rb"(?m)^Message-ID: .*\r$", f"Message-ID: <{own}>\r".encode(), raw)
    assert count == 1
    return renamed


@pytest.mark.parametrize("name", CLIENTS)
def test_conversation_of_five_rounds(name: str, tmp_path: Path) -> None:
    """Each answer's words are told from what it quotes; every message hangs below the one that it answers."""
    client = CLIENTS[name](tmp_path)
    messages: list[Message] = []
    for number, ours in enumerate(OURS):
        if messages:
            outgoing = reply_to(messages[-1], sender=SUPPORT, **{"text": "", **ours})  # type: ignore[arg-type, dict-item]
        else:
            outgoing = Outgoing(sender=SUPPORT, to=(PERSON,), subject="Zählerstand: Ablesung 2026", **ours)  # type: ignore[arg-type]
        raw = transmitted(outgoing, number)
        client.receive(raw)
        messages.append(parse(raw))
        assert SEEN[number] in " ".join(client.shown().split())
        answer = parse(client.answer(THEIRS[number]))
        assert (answer.problems, answer.from_, answer.kinds) == ((), (PERSON,), frozenset())
        assert answer.subject == "Re: Zählerstand: Ablesung 2026"
        assert [one.address for one in answer.to] == [SUPPORT.address]
        assert answer.reply.endswith(THEIRS[number]) or answer.reply.split() == THEIRS[number].split()
        assert SEEN[number] in " ".join(answer.text.replace("\n> ", " ").split())
        assert bool(answer.quoted) == client.answers_above
        messages.append(answer)
    (thread,) = thread_messages(node_of(one, str(number)) for number, one in enumerate(messages))
    assert [(place.key, place.depth) for place in thread.positions] == [(str(number), number) for number in range(10)]
