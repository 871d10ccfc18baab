"""A tenant's messages in DynamoDB and S3: written once each, read by page.

`MessageReader` is for applications, `MessageWriter` for the ingest function.
"""

from mailroom.store.entities import Delivery, Page, Recalled, StoredMessage, Summary, ThreadSummary
from mailroom.store.entries import InboundMessage
from mailroom.store.objects import Objects
from mailroom.store.reader import MessageReader
from mailroom.store.recalling import Now, Recalling
from mailroom.store.suppression import Suppression, forget
from mailroom.store.table import Table
from mailroom.store.withheld import withheld
from mailroom.store.writer import MessageWriter, WriteResult

__all__ = [
    "Delivery",
    "InboundMessage",
    "MessageReader",
    "MessageWriter",
    "Now",
    "Objects",
    "Page",
    "Recalled",
    "Recalling",
    "StoredMessage",
    "Summary",
    "Suppression",
    "Table",
    "ThreadSummary",
    "WriteResult",
    "forget",
    "withheld",
]
