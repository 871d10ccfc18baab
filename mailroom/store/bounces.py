"""Records a bounce or a complaint for the address of its recipient."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from mailroom.errors import RetryableError
from mailroom.store.suppression import recipients_of, suppress
from mailroom.store.table import Table
from mailroom.tracking.model import SendingEvent, SendingEventKind

__all__ = ["SUPPRESSING", "suppress_recipient"]

logger = logging.getLogger("mailroom")

SUPPRESSING: Final = frozenset({SendingEventKind.BOUNCE, SendingEventKind.COMPLAINT})
"""Events that suppress an address, beyond the one message."""

_RECORDED_WITHIN: Final = timedelta(minutes=18)
"""The outbox records a message's recipients a moment after SES accepted it. If that fails, its queue retries for a quarter of an
hour; the queue of events retries for longer."""


def suppress_recipient(
    table: Table, sending_event: SendingEvent, now: datetime, *, plain: bool, retention: timedelta | None
) -> None:
    """Record the event for the message's recipient, if it has only one: the event does not name its recipient.

    An event for a mail that SES did not try to send, because of a suppression list, counts for nothing: the list may be another
    tenant's.

    Args:
        table: the tenant's.
        sending_event: of a kind in SUPPRESSING.
        now: the time, with a zone.
        plain: whether to store the address with its digest.
        retention: lifetime from the event on; None without limit.

    Raises:
        RetryableError: AWS failed, or the event came before the outbox recorded the recipients.
    """
    if sending_event.from_a_list:
        logger.info("message %s: not sent, since its recipient is on a list of SES's", sending_event.ses_id)
        return
    if sending_event.not_spam:
        logger.info("message %s: its recipient says that it is no spam", sending_event.ses_id)
        return
    recipients = recipients_of(table, sending_event.ses_id)
    # An event with an id also names the outbox's request, if there is one: recipients of other mail are never recorded.
    awaited = bool(sending_event.outbox) or not sending_event.event
    if recipients is None and awaited and now - sending_event.at < _RECORDED_WITHIN:
        raise RetryableError(f"message {sending_event.ses_id}: its recipients are not recorded yet")
    if recipients is None or len(recipients) != 1:
        known = len(recipients) if recipients is not None else "unknown"
        logger.info("message %s: no address is suppressed, recipients: %s", sending_event.ses_id, known)
        return
    suppress(table, recipients[0], sending_event, plain=plain, now=now, retention=retention)
