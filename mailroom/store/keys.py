"""Keys of items in a tenant's table, and of objects in its bucket. Pure.

| partition key | sort key | what |
|---|---|---|
| `MESSAGE#<digest>` | `MESSAGE` | a message |
| `MESSAGE#<digest>` | `DELIVERY#<SES id>` | one delivery of it |
| `MESSAGE#<digest>` | `DELIVERY-RECIPIENTS#<SES id>` | recipients of a delivery that SES's notification names |
| `MESSAGE#<digest>` | `COUNTED` | of a message without an identifier: its thread counts it |
| `MESSAGE#<digest>` | `RECALL` | its recall, with the number of changes of its content |
| `THREAD#<digest of its first message>` | `THREAD` | a thread, or the thread that it was merged into |
| `THREAD#<digest>` | `AT#<time>#<digest>` | a message in it, in the thread's order |
| `ID#<digest of an identifier>` | `THREAD` | the thread of an identifier, and the message that has it, if it came first |
| `ID#<digest of an identifier>` | `MESSAGE#<digest>` | another message that has it |
| `ADDRESS#<address>` | `AT#<time>#<digest>` | a message from or to an address |
| `OUTBOX#<id>` | `STATE` | state of a request of the outbox; also in the index, as `requests`, by its time |
| `SENT#<SES id>` | `EVENT#<time>#<kind>#<digest of the link>#<the event's id>` | an event of a sent message |
| `SENT#<SES id>` | `MESSAGE` | that message, and its recipients |
| `SUPPRESSED` | `ADDRESS#<keyed digest>` | an address that bounced or complained |
| `SUPPRESSED` | `KEY` | key of those digests |
| `ADDRESSES` | `BOOK` | the address book |
| `ADDRESSES` | `NOW` | settings that the tenant's organisation makes without a deployment |
| `ADDRESSES` | `ALLOWED` | allowed recipients, if they are restricted |
| `ADDRESSES` | `SIGNATURE#<digest>` | a signature |
| `SAME#<fingerprint>` | `REQUEST` | the last message with this content, and the time of its request |
| `PACE` | `STATE` | the tenant's sending rate, and the account's quota at SES |
| `RETENTION` | `STATE` | the retention of the last change, and its progress |

The index `threads-by-activity` has the unmerged threads, by the time of their latest message.
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
    "counted_key",
    "delivery_key",
    "event_key",
    "id_digest",
    "id_key",
    "message_key",
    "outbox_key",
    "own_key",
    "recall_key",
    "recipients_key",
    "same_key",
    "sent_key",
    "signature_key",
    "sortable",
    "thread_key",
]

PARTITION: Final = "pk"
SORT: Final = "sk"
LISTED: Final = "listed"
"""Partition key of the index: the same for all listed threads; its sort key is `latest`."""
LATEST: Final = "latest"
REQUESTS: Final = "requests"
"""Partition key in the index of all requests of the outbox."""
BY_ACTIVITY: Final = "threads-by-activity"
THREAD: Final = "THREAD"
MESSAGE: Final = "MESSAGE"
DELIVERY_PREFIX: Final = "DELIVERY#"
DELIVERIES_PREFIX: Final = "DELIVERY"
"""Of deliveries, and of what became known of them later: older readers ask for deliveries alone."""
RECIPIENTS_PREFIX: Final = f"{DELIVERIES_PREFIX}-RECIPIENTS#"
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
"""In the book's partition, so that permissions for the book include it."""
ALLOWED_KEY: Final = (BOOK_KEY[0], "ALLOWED")
PACE_KEY: Final = ("PACE", "STATE")
RETENTION_KEY: Final = ("RETENTION", "STATE")


def message_key(digest: str) -> tuple[str, str]:
    """Key of a message."""
    return f"MESSAGE#{digest}", MESSAGE


def delivery_key(digest: str, ses_id: str) -> tuple[str, str]:
    """Key of one delivery of a message."""
    return f"MESSAGE#{digest}", f"{DELIVERY_PREFIX}{ses_id}"


def recipients_key(digest: str, ses_id: str) -> tuple[str, str]:
    """Key of a delivery's recipients by SES's notification."""
    return f"MESSAGE#{digest}", f"{RECIPIENTS_PREFIX}{ses_id}"


def counted_key(digest: str) -> tuple[str, str]:
    """Key of the note that a thread counted a message without an identifier."""
    return f"MESSAGE#{digest}", "COUNTED"


def recall_key(digest: str) -> tuple[str, str]:
    """Key of a message's recall."""
    return f"MESSAGE#{digest}", "RECALL"


def thread_key(thread: str) -> tuple[str, str]:
    """Key of a thread."""
    return f"THREAD#{thread}", THREAD


def at_key(at: datetime, digest: str) -> str:
    """Sort key of a message among others, by time."""
    return f"{AT_PREFIX}{sortable(at)}#{digest}"


def id_digest(identifier: str) -> str:
    """Digest of an identifier: 128 bits, in hexadecimal, so that a key can hold it."""
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def id_key(identifier_digest: str) -> tuple[str, str]:
    """Key of an identifier's claim, which names its thread."""
    return f"ID#{identifier_digest}", THREAD


def own_key(identifier_digest: str, digest: str) -> tuple[str, str]:
    """Key of the note that a message has an identifier."""
    return f"ID#{identifier_digest}", message_key(digest)[0]


def address_key(address: str) -> str:
    """Partition key of the messages from or to an address; case makes no difference."""
    return f"ADDRESS#{address.casefold()}"


def attachment_key(digest: str, number: int) -> str:
    """Key in the bucket of a message's attachment, counted from 1."""
    return f"{ATTACHMENTS_PREFIX}{digest}/{number}"


def body_key(digest: str) -> str:
    """Key in the bucket of a message's document that is too big for the table."""
    return f"{BODIES_PREFIX}{digest}.json"


def outbox_key(id: str) -> tuple[str, str]:
    """Key of the state of a request of the outbox."""
    return f"{OUTBOX_PREFIX}{id}", STATE


def same_key(fingerprint: str) -> tuple[str, str]:
    """Key of the last message of a fingerprint."""
    return f"SAME#{fingerprint}", "REQUEST"


def signature_key(digest: str) -> tuple[str, str]:
    """Key of a signature."""
    return BOOK_KEY[0], f"SIGNATURE#{digest}"


def sent_key(ses_id: str) -> str:
    """Partition key of a sent message's events."""
    return f"{SENT_PREFIX}{ses_id}"


def event_key(at: datetime, kind: str, link: str, event: str = "") -> str:
    """Sort key of one event of a message: the same for a repeated event, another for another event of the same millisecond."""
    return "#".join(
        [f"{EVENT_PREFIX}{sortable(at)}", kind, *([id_digest(link)] if link else []), *([event] if event else [])]
    )


def sortable(moment: datetime) -> str:
    """A time that sorts as text: RFC 3339 in UTC, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
