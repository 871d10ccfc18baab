"""The engine sees all files that a mail client could open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailroom.scanning.active.risks import OFF
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.clamav import MARKER
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN, PAYLOAD, mixed, part

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def delivered(raw: bytes, engine: Clamd, policy: Policy = Policy(active_content=OFF)) -> Delivery:  # noqa: B008 - frozen
    """The delivery of a message."""
    return decide(raw, scan_message(raw, engine), policy, rescan=lambda left: scan_message(left, engine), now=NOW)


@pytest.mark.parametrize("raw", HIDDEN.values(), ids=HIDDEN.keys())
def test_hidden_file_is_found(raw: bytes, engine: Clamd) -> None:
    """Each way of hiding a file is seen through, and nothing of it is delivered."""
    assert scan_message(raw, engine).verdict is Verdict.INFECTED
    outcome = delivered(raw, engine)
    assert outcome.action in {Action.STRIP, Action.HOLD}
    if outcome.message is not None:
        assert MARKER not in outcome.message
        assert scan_message(outcome.message, engine).verdict is Verdict.CLEAN


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS.keys())
def test_same_wrapping_of_a_harmless_file_is_clean(raw: bytes, engine: Clamd) -> None:
    """It is the file that is found, not the way it is packed; and what is clean is delivered as it came, to the octet."""
    assert scan_message(raw, engine).verdict is Verdict.CLEAN
    outcome = delivered(raw, engine)
    assert outcome.action is Action.DELIVER
    assert outcome.message == raw


def test_piece_of_a_message_is_held(engine: Clamd) -> None:
    """One of several pieces of a message cannot be looked into."""
    raw = mixed(part(b"half of it", 'Content-Type: message/partial; id="x"; number=1; total=2'))
    assert scan_message(raw, engine).verdict is Verdict.ENCRYPTED
    assert delivered(raw, engine).action is Action.HOLD


def test_payload_itself_is_what_is_found(engine: Clamd) -> None:
    """The marker is found in the file, and the file without it is clean."""
    assert engine.scan(PAYLOAD).verdict is Verdict.INFECTED
    assert engine.scan(PAYLOAD.replace(MARKER, b"")).verdict is Verdict.CLEAN
