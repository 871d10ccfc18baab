"""Ends requests that are not sent, as refused or in doubt; publishes the event once that is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailroom.addresses import AddressBook
from mailroom.errors import MailroomError
from mailroom.events import MessageInDoubt, MessageRefused, MessageSent
from mailroom.outbox.model import OutboxState
from mailroom.outbox.moves import Moves
from mailroom.outbox.requests import Request, move_on, request_of
from mailroom.store.address_book import read_address_book
from mailroom.store.table import Table

__all__ = ["Ends", "Told", "known_book"]

Told = MessageSent | MessageRefused | MessageInDoubt


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Ends requests of one tenant.

    Args:
        tenant: id of the tenant.
        moves: changes their states.
        publish: publishes an event; raises RetryableError.
    """

    tenant: str
    moves: Moves
    publish: Callable[[Told], None]

    def refuse(self, request: Request, before: OutboxState, reason: str, explanation: str) -> None:
        """Refuse a message, and publish its event. Raises RetryableError."""
        self.moves.end(request, before, OutboxState.REFUSED, reason=reason, explanation=explanation)
        found = request_of(self.moves.table, request.progress.id)
        if found is not None:
            self.tell(found)

    def tell(self, request: Request) -> None:
        """Publish the event of a request that is refused or in doubt, unless it is published. Raises RetryableError."""
        progress, state = request.progress, request.progress.state
        if request.told == state:
            return
        if state is OutboxState.REFUSED:
            self.publish(
                MessageRefused(
                    tenant=self.tenant,
                    outbox=progress.id,
                    reason=progress.reason,
                    explanation=progress.explanation,
                    refused=progress.at,
                )
            )
        elif state is OutboxState.IN_DOUBT:
            self.publish(MessageInDoubt(tenant=self.tenant, outbox=progress.id, since=progress.at))
        else:
            return
        move_on(self.moves.table, progress.id, state, state, progress.at, told=state.value)


def known_book(table: Table) -> AddressBook | None:
    """The tenant's addresses; None where they cannot be read now: the refusal by SES is reported all the same."""
    try:
        return read_address_book(table)
    except MailroomError:
        return None
