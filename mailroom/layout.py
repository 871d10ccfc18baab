"""Keys and metadata in a tenant's bucket. Pure."""

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
    "LONGEST_REASON",
    "MAX_KEY_BYTES",
    "MAX_MESSAGE_OCTETS",
    "OUTBOX_MARK",
    "OUTBOX_TAG",
    "OUTGOING_PREFIX",
    "RAW_PREFIX",
    "RECALLED_MARK",
    "RECIPIENTS_PREFIX",
    "RISKS_MARK",
    "SIGNATURE_MARK",
    "VERDICT_PREFIX",
]

RAW_PREFIX: Final = "raw/"
"""Quarantine: SES writes here, and only the scanner reads."""

CLEAN_PREFIX: Final = "clean/"
"""Scanned messages: only the scanner writes here."""

OUTGOING_PREFIX: Final = f"{RAW_PREFIX}out/"
"""Outgoing messages: applications write them here, and they are scanned like arrivals, unreadable for others."""

DECISIONS_PREFIX: Final = f"{RAW_PREFIX}decisions/"
"""Requests to release or to discard held mail: applications write here, and only the scanner reads."""

HELD_PREFIX: Final = "held/"
"""Descriptions of held messages, one JSON document each, without the text: only the scanner writes here."""

LONGEST_REASON: Final = 200
"""Characters of the reason of a request about held mail."""

OUTBOX_MARK: Final = "outbox"
"""Metadata of a message by the outbox, whose request is notified when the message is held or deleted."""

OUTBOX_TAG: Final = "outbox"
"""Name of the tag in SES's events with the id of the outbox's request."""

APPROVED_PREFIX: Final = f"{CLEAN_PREFIX}out/"
"""Scanned outgoing messages; for a held or deleted one, a notice without content."""

ACTION_MARK: Final = "action"
"""Metadata of a notice: the scanner's action on the message: ACTION_HOLD, ACTION_DELETE or ACTION_GONE."""

ACTION_HOLD: Final = "hold"
"""The message stays in quarantine."""

ACTION_DELETE: Final = "delete"
"""The message is deleted."""

RISKS_MARK: Final = "risks"
"""Metadata of a delivered message: classes of its active content, divided by spaces; absent without active content."""

FINDINGS_MARK: Final = "findings"
"""Metadata with findings: in the stripped parts of a delivered message; in the undelivered message of a notice."""

RECALLED_MARK: Final = "recalled"
"""Metadata of the replacement of a recalled message, and of that message in quarantine: the message's id for readers."""

SIGNATURE_MARK: Final = "signature"
"""Metadata of the notice for a recalled message: the finding."""

ACTION_GONE: Final = "gone"
"""The message was deleted before its scan."""

VERDICT_PREFIX: Final = "verdicts/"
"""Verdicts, one JSON document per raw version: only the scanner writes here."""

RECIPIENTS_PREFIX: Final = f"{VERDICT_PREFIX}recipients/"
"""Envelope recipients by SES's notification, one JSON document a message, where its header does not say the same."""

LEDGER_PREFIX: Final = "recall/"
"""In the bucket of definitions: the scanners' ledgers of delivered mail, each below its scanner's name."""

ATTACHMENTS_PREFIX: Final = "attachments/"
"""Attachments of messages, one object a file: only the ingest function writes here."""

BODIES_PREFIX: Final = "bodies/"
"""Documents of messages that are too big for the table: only the ingest function writes here."""

MAX_MESSAGE_OCTETS: Final = 45_000_000
"""SES takes messages of up to 40 MB. SES developer guide, "Service quotas", e-mail receiving."""

MAX_KEY_BYTES: Final = 1_024
"""Longest key that S3 takes, in UTF-8. S3 user guide, "Naming Amazon S3 objects"."""
