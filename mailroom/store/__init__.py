"""A tenant's messages in DynamoDB and S3: written once each, read by page.

`MessageReader` is for applications; `Filing` is what the structuring Lambda writes with.
"""

from mailroom.store.entities import Delivery, Page, Recalled, StoredMessage, Summary, ThreadSummary
from mailroom.store.entries import Arrival
from mailroom.store.filing import Filed, Filing
from mailroom.store.objects import Objects
from mailroom.store.reader import MessageReader
from mailroom.store.recalling import Now, Recalling, withheld
from mailroom.store.suppression import Suppression, forget
from mailroom.store.table import Table

__all__ = [
    "Arrival",
    "Delivery",
    "Filed",
    "Filing",
    "MessageReader",
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
    "forget",
    "withheld",
]
