"""Sends a tenant's mail: scanned like arriving mail, by the tenant's own identity, once, and recorded in its thread.

`Outbox` is for applications, `Sending` for the ingest function.
"""

from mailroom.outbox.model import OutboxState, Outgoing, OutgoingFile, Progress
from mailroom.outbox.outbox import Outbox
from mailroom.outbox.replies import Answering, answering, reply_to

__all__ = ["Answering", "Outbox", "OutboxState", "Outgoing", "OutgoingFile", "Progress", "answering", "reply_to"]
