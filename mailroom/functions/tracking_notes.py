"""Records SES's events of sent mail in the tables of the tenants that sent it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailroom.batches import attempt, failed_records
from mailroom.errors import MailroomError, RetryableError
from mailroom.events import MessageTracked
from mailroom.registry import Entry
from mailroom.store.bounces import SUPPRESSING, suppress_recipient
from mailroom.store.sending_events import record_sending_event
from mailroom.store.states import settle_request
from mailroom.store.table import Table
from mailroom.tracking.lines import sending_event_of, set_of
from mailroom.tracking.model import SendingEvent, SendingEventKind
from mailroom.turns import came_at_once, has_group

__all__ = ["Notes"]

logger = logging.getLogger("mailroom")


class _UnknownSetError(RetryableError):
    """No tenant has this configuration set (yet)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """Processes event lines of all tenants of a cell.

    Args:
        entry_of: looks up the tenant of a configuration set; None where there is none.
        table_of: that tenant's table, by the name of the set and the name of the table.
        send_again: puts records into the queue again, each in a group; returns the ids of accepted ones.
        sets_arn: prefix of the ARNs of configuration sets in this account and region.
        publish: publishes an event; raises RetryableError.
        max_receives: number of tries by the queue.
        clock: the time now.
    """

    entry_of: Callable[[str], Entry | None]
    table_of: Callable[[str, str], Table]
    send_again: Callable[[Sequence[tuple[Mapping[str, Any], str]]], Collection[str]]
    sets_arn: str
    publish: Callable[[MessageTracked], None]
    max_receives: int
    clock: Callable[[], datetime]

    def process_batch(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Record every event of the batch; returns the failed messages. Other messages go to the dead letters."""
        records = event["Records"]
        passed_on = self.send_again([*self._without_group(records)])
        return failed_records(
            records, lambda record: record["messageId"] in passed_on or attempt(self._done, record) is not None
        )

    def _without_group(self, records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
        """Records without a message group that waited in the queue, each with its configuration set as the group."""
        for record in records:
            if not has_group(record) and not came_at_once(record):
                with suppress(MailroomError):  # one without a set is refused where it is worked on
                    yield record, set_of(str(record["body"]), self.sets_arn)

    def _done(self, record: Mapping[str, Any]) -> bool:
        """Process one record. Raises MailroomError."""
        line = str(record["body"])
        configuration_set = set_of(line, self.sets_arn)
        try:
            self._note(line, configuration_set)
        except _UnknownSetError as error:
            # A foreign set, or one of a deleted tenant: no operator could ever process it from the dead letters.
            if int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)) < self.max_receives:
                raise
            logger.info("%s; dropped", error)
        return True

    def _note(self, line: str, configuration_set: str) -> None:
        sending_event = sending_event_of(line)
        entry = self.entry_of(configuration_set)
        if entry is None:
            raise _UnknownSetError(f"configuration set {configuration_set}: is no tenant's")
        table = self.table_of(configuration_set, entry.table)
        try:
            record_sending_event(table, sending_event, entry.retention, self.clock())
            if sending_event.outbox and sending_event.kind is SendingEventKind.SEND:
                settle_request(table, sending_event.outbox, sending_event.ses_id, sending_event.at)
            logger.info("tenant %s: message %s: %s", entry.tenant, sending_event.ses_id, sending_event.kind.value)
            self.publish(_told(entry.tenant, sending_event))
            if sending_event.kind in SUPPRESSING:
                suppress_recipient(
                    table,
                    sending_event,
                    self.clock(),
                    plain=entry.plain_addresses,
                    retention=entry.retention,
                )
        except MailroomError as error:
            raise type(error)(f"tenant {entry.tenant}: {error}") from error


def _told(tenant: str, sending_event: SendingEvent) -> MessageTracked:
    """The published event, with the fields that the table has."""
    return MessageTracked(
        tenant=tenant,
        delivery=sending_event.ses_id,
        kind=sending_event.kind.value,
        at=sending_event.at,
        outbox=sending_event.outbox,
        link=sending_event.link,
        bot=sending_event.bot,
        subtype=sending_event.subtype,
        feedback=sending_event.feedback,
        event=sending_event.event,
    )
