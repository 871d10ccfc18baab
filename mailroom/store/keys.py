"""How things are named in a tenant's table and bucket. Pure.

| partition key | sort key | what |
|---|---|---|
| `MESSAGE#<digest>` | `MESSAGE` | a message |
| `MESSAGE#<digest>` | `DELIVERY#<SES id>` | one way by which it came |
| `MESSAGE#<digest>` | `RECALL` | that it was recalled, and how often what is shown of it was changed |
| `THREAD#<digest of its first message>` | `THREAD` | a thread, or where it went when it became part of another |
| `THREAD#<digest>` | `AT#<time>#<digest>` | a message in it, in the thread's order |
| `ID#<digest of an identifier>` | `THREAD` | the thread that an identifier belongs to |
| `ID#<digest of an identifier>` | `MESSAGE#<digest>` | a message that has it |
| `ADDRESS#<address>` | `AT#<time>#<digest>` | a message from or to an address |
| `OUTBOX#<id>` | `STATE` | how far a message is that is to be sent; in the index, too, as `requests`, by when it was asked for |
| `SENT#<SES id>` | `EVENT#<time>#<kind>#<digest of the link>#<the event's id>` | what became of a message that was sent |
| `SENT#<SES id>` | `MESSAGE` | which message that is, and whom it was sent to |
| `SUPPRESSED` | `ADDRESS#<keyed digest>` | an address that bounced or complained |
| `SUPPRESSED` | `KEY` | what those digests are keyed with |
| `ADDRESSES` | `BOOK` | the address book |
| `ADDRESSES` | `NOW` | what the tenant's organisation sets without a deployment |
| `ADDRESSES` | `ALLOWED` | the only addresses that mail is sent to, where that is so |
| `ADDRESSES` | `SIGNATURE#<digest>` | a signature |
| `SAME#<fingerprint>` | `REQUEST` | the last message that says this, and when it was asked for |
| `PACE` | `STATE` | how fast the tenant sends, and what SES takes of the account |
| `RETENTION` | `STATE` | the retention that the table was last changed to, and how far that is |

The index `threads-by-activity` has the threads that are no part of another, by the time of their latest message.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

from mailroom.layout import ATTACHMENTS_PREFIX, BODIES_PREFIX
from mailroom.lifetimes import EXPIRES

__all__ = [
    "ALLOWED_KEY",
    "BOOK_KEY",
    "BY_ACTIVITY",
    "EXPIRES",
    "LISTED",
    "PACE_KEY",
    "PARTITION",
    "REQUESTS",
    "RETENTION_KEY",
    "RUN_TIME_KEY",
    "SORT",
    "address_key",
    "at_key",
    "attachment_key",
    "body_key",
    "delivery_key",
    "event_key",
    "id_digest",
    "id_key",
    "message_key",
    "outbox_key",
    "recall_key",
    "same_key",
    "sent_key",
    "signature_key",
    "sortable",
    "thread_key",
]

PARTITION: Final = "pk"
SORT: Final = "sk"
LISTED: Final = "listed"
"""Partition key of the index: the same for all threads that are listed; its sort key is `latest`."""
LATEST: Final = "latest"
REQUESTS: Final = "requests"
"""Partition key in the index of all messages that are to be sent."""
BY_ACTIVITY: Final = "threads-by-activity"
THREAD: Final = "THREAD"
MESSAGE: Final = "MESSAGE"
DELIVERY_PREFIX: Final = "DELIVERY#"
AT_PREFIX: Final = "AT#"
EVENT_PREFIX: Final = "EVENT#"
OUTBOX_PREFIX: Final = "OUTBOX#"
STATE: Final = "STATE"
SENT_PREFIX: Final = "SENT#"
SUPPRESSED: Final = "SUPPRESSED"
SUPPRESSED_PREFIX: Final = "ADDRESS#"
SUPPRESSED_KEY: Final = (SUPPRESSED, "KEY")
BOOK_KEY: Final = ("ADDRESSES", "BOOK")
RUN_TIME_KEY: Final = (BOOK_KEY[0], "NOW")
"""In the book's partition: whoever may write or read the book may do so with this."""
ALLOWED_KEY: Final = (BOOK_KEY[0], "ALLOWED")
PACE_KEY: Final = ("PACE", "STATE")
RETENTION_KEY: Final = ("RETENTION", "STATE")


def message_key(digest: str) -> tuple[str, str]:
    """Key of a message."""
    return f"MESSAGE#{digest}", MESSAGE


def delivery_key(digest: str, ses_id: str) -> tuple[str, str]:
    """Key of one delivery of a message."""
    return f"MESSAGE#{digest}", f"{DELIVERY_PREFIX}{ses_id}"


def recall_key(digest: str) -> tuple[str, str]:
    """Key of what notes that a message was recalled."""
    return f"MESSAGE#{digest}", "RECALL"


def thread_key(thread: str) -> tuple[str, str]:
    """Key of a thread."""
    return f"THREAD#{thread}", THREAD


def at_key(at: datetime, digest: str) -> str:
    """Sort key of a message among others, by time."""
    return f"{AT_PREFIX}{sortable(at)}#{digest}"


def id_digest(identifier: str) -> str:
    """Short name of an identifier, of a length that fits a key whatever the identifier's is: 128 bits, in hexadecimal."""
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def id_key(identifier_digest: str) -> tuple[str, str]:
    """Key of what says which thread an identifier belongs to."""
    return f"ID#{identifier_digest}", THREAD


def address_key(address: str) -> str:
    """Partition key of the messages from or to an address; addresses differ in more than case."""
    return f"ADDRESS#{address.casefold()}"


def attachment_key(digest: str, number: int) -> str:
    """Key in the bucket of a message's attachment, counted from 1."""
    return f"{ATTACHMENTS_PREFIX}{digest}/{number}"


def body_key(digest: str) -> str:
    """Key in the bucket of a message's document, where that is too big for the table."""
    return f"{BODIES_PREFIX}{digest}.json"


def outbox_key(id: str) -> tuple[str, str]:
    """Key of how far a message is that is to be sent."""
    return f"{OUTBOX_PREFIX}{id}", STATE


def same_key(fingerprint: str) -> tuple[str, str]:
    """Key of the last message of a fingerprint."""
    return f"SAME#{fingerprint}", "REQUEST"


def signature_key(digest: str) -> tuple[str, str]:
    """Key of a signature."""
    return BOOK_KEY[0], f"SIGNATURE#{digest}"


def sent_key(ses_id: str) -> str:
    """Partition key of what is known of a message that was sent."""
    return f"{SENT_PREFIX}{ses_id}"


def event_key(at: datetime, kind: str, link: str, event: str = "") -> str:
    """Sort key of one event of a message: the same event has the same, and another of the same millisecond another."""
    return "#".join(
        [f"{EVENT_PREFIX}{sortable(at)}", kind, *([id_digest(link)] if link else []), *([event] if event else [])]
    )


def sortable(moment: datetime) -> str:
    """A time that sorts as text: RFC 3339 in UTC, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
