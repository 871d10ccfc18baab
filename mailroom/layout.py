"""Where things stand in a tenant's bucket. Pure."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACTION_DELETE",
    "ACTION_GONE",
    "ACTION_HOLD",
    "ACTION_MARK",
    "APPROVED_PREFIX",
    "ATTACHMENTS_PREFIX",
    "BODIES_PREFIX",
    "CLEAN_PREFIX",
    "DECISIONS_PREFIX",
    "FINDINGS_MARK",
    "HELD_PREFIX",
    "LEDGER_PREFIX",
    "MAX_KEY_BYTES",
    "MAX_MESSAGE_OCTETS",
    "OUTBOX_MARK",
    "OUTBOX_TAG",
    "OUTGOING_PREFIX",
    "RAW_PREFIX",
    "RECALLED_MARK",
    "RISKS_MARK",
    "SIGNATURE_MARK",
    "VERDICT_PREFIX",
]

RAW_PREFIX: Final = "raw/"
"""Quarantine: SES writes here, and only the scanner reads."""

CLEAN_PREFIX: Final = "clean/"
"""Messages that were scanned: only the scanner writes here."""

OUTGOING_PREFIX: Final = f"{RAW_PREFIX}out/"
"""Outgoing messages: applications write them here, and they are scanned like arrivals, unreadable for others."""

DECISIONS_PREFIX: Final = f"{RAW_PREFIX}decisions/"
"""Requests to release or to discard held mail: applications write here, and only the scanner reads."""

HELD_PREFIX: Final = "held/"
"""What waits in quarantine, one JSON document a message, without its text: only the scanner writes here."""

OUTBOX_MARK: Final = "outbox"
"""Metadata of a message that the outbox put there: who asked for it learns when it is held or deleted."""

OUTBOX_TAG: Final = "outbox"
"""Name of the tag by which SES's events say which message of the outbox they are about."""

APPROVED_PREFIX: Final = f"{CLEAN_PREFIX}out/"
"""Messages that are to be sent, once they were scanned; of one that is held or deleted, a notice without content."""

ACTION_MARK: Final = "action"
"""Metadata of a notice: the scanner's action on the message that is not there: ACTION_HOLD, ACTION_DELETE or ACTION_GONE."""

ACTION_HOLD: Final = "hold"
"""The message stays in quarantine."""

ACTION_DELETE: Final = "delete"
"""The message is deleted."""

RISKS_MARK: Final = "risks"
"""Metadata of a delivered message: classes of active content that it has, divided by spaces; none where it has none."""

FINDINGS_MARK: Final = "findings"
"""Metadata of a delivered message: what was taken out of it; of a notice, what was found in the message that is not there."""

RECALLED_MARK: Final = "recalled"
"""Metadata of what stands in the place of a message that was recalled, and of the message where it waits in quarantine again: the
digest that names the message to readers."""

SIGNATURE_MARK: Final = "signature"
"""Metadata of the notice in the place of a message that was recalled: what was found in it."""

ACTION_GONE: Final = "gone"
"""The message was deleted before its scan."""

VERDICT_PREFIX: Final = "verdicts/"
"""What was found in each, one JSON document a version: only the scanner writes here."""

LEDGER_PREFIX: Final = "recall/"
"""In the bucket of definitions: what scanners note of mail that was delivered, each below its name."""

ATTACHMENTS_PREFIX: Final = "attachments/"
"""What was attached to the messages, each file by itself: only what structures them writes here."""

BODIES_PREFIX: Final = "bodies/"
"""Messages that are too big for the table, as JSON documents: only what structures them writes here."""

MAX_MESSAGE_OCTETS: Final = 45_000_000
"""SES takes messages of up to 40 MB. SES developer guide, "Service quotas", e-mail receiving."""

MAX_KEY_BYTES: Final = 1_024
"""S3 takes keys of up to so many, in UTF-8. S3 user guide, "Naming Amazon S3 objects"."""
