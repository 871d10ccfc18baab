"""`email-stack send-test`: what it says of a message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from email_stack.cli.commands.send_test import described
from mailroom.outbox import OutboxState, Progress

AT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "reason", "advice", "said"),
    [
        (OutboxState.SENT, "", "", "sent; `email-stack messages acme --sent 0107-1` lists its events"),
        (OutboxState.REFUSED, "scan", "it has malware", "refused: scan: it has malware"),
        (OutboxState.REFUSED, "Other", "", "refused: Other"),
        (OutboxState.QUEUED, "quota", "ask for more", "queued: waits for SES: quota: ask for more"),
        (OutboxState.QUEUED, "unreachable", "", "queued: waits for SES: unreachable"),
        (OutboxState.QUEUED, "", "", "queued: the scanner or SES is not done with it; `email-stack rescan acme` shows"),
    ],
)
def test_state_is_said_with_its_reason(state: OutboxState, reason: str, advice: str, said: str) -> None:
    """Also of what waits: in a sandbox, a message that SES takes none of today looks like one that the scanner is at."""
    ses_id = "0107-1" if state is OutboxState.SENT else ""
    found = Progress(id="m", state=state, at=AT, ses_id=ses_id, reason=reason)
    assert described("acme", found, advice).startswith(said)
