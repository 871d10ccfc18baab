"""Puts a bounce or a complaint down to the address that it is about."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from mailroom.errors import RetryableError
from mailroom.store.suppression import recipients_of, suppress
from mailroom.store.table import Table
from mailroom.tracking.model import Engagement, EngagementKind

__all__ = ["SUPPRESSING", "suppress_recipient"]

logger = logging.getLogger("mailroom")

SUPPRESSING: Final = frozenset({EngagementKind.BOUNCE, EngagementKind.COMPLAINT})
"""What speaks against an address, and not against one message."""

_RECORDED_WITHIN: Final = timedelta(minutes=18)
"""The outbox writes down whom it sent a message to a moment after SES took it. Where that fails, its queue brings the message again
for a quarter of an hour; the queue of events brings an event again for longer."""


def suppress_recipient(
    table: Table, engagement: Engagement, now: datetime, *, plain: bool, retention: timedelta | None
) -> None:
    """Note the event of the one recipient that the message had; where it had several, nobody can tell which one it was.

    What SES did not try to send, since the address is on a list, tells nothing of this tenant's: the list may be another's.

    Args:
        table: the tenant's.
        engagement: of a kind in SUPPRESSING.
        now: the time, with a zone.
        plain: whether the address itself is kept beside its digest.
        retention: time that it is kept, from the event on; None until somebody deletes it.

    Raises:
        RetryableError: AWS failed, or the event came before the outbox wrote down whom the message went to.
    """
    if engagement.from_a_list:
        logger.info("message %s: not sent, since its recipient is on a list of SES's", engagement.ses_id)
        return
    if engagement.not_spam:
        logger.info("message %s: its recipient says that it is no spam", engagement.ses_id)
        return
    recipients = recipients_of(table, engagement.ses_id)
    # Of an event that is told apart, the outbox's own mail is known: nobody writes down whom any other went to.
    awaited = bool(engagement.outbox) or not engagement.event
    if recipients is None and awaited and now - engagement.at < _RECORDED_WITHIN:
        raise RetryableError(f"message {engagement.ses_id}: its recipients are not recorded yet")
    if recipients is None or len(recipients) != 1:
        known = len(recipients) if recipients is not None else "unknown"
        logger.info("message %s: no address is suppressed, recipients: %s", engagement.ses_id, known)
        return
    suppress(table, recipients[0], engagement, plain=plain, now=now, retention=retention)
