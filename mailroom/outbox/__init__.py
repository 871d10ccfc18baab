"""Sends a tenant's mail: scanned like what arrives, by the tenant's own identity, once, and recorded in its thread.

`Outbox` is for applications; `Sending` is what the structuring Lambda sends with.
"""

from mailroom.outbox.model import OutboxState, Outgoing, OutgoingFile, Progress, answering
from mailroom.outbox.outbox import Outbox

__all__ = ["Outbox", "OutboxState", "Outgoing", "OutgoingFile", "Progress", "answering"]
