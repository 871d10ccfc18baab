"""Policy statements of a bucket with mail. Pure: no CDK.

Mail arrives under `raw/`, and only the scanner reads it there. Scanned mail is under `clean/`, and only the scanner writes there.
Only the function that stores mail writes attachments and bodies. The policy denies all of this to other principals, because a deny
wins over every grant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from constructs_lib.statements import allow, deny_all_but
from mailroom.layout import (
    ATTACHMENTS_PREFIX,
    BODIES_PREFIX,
    CLEAN_PREFIX,
    DECISIONS_PREFIX,
    HELD_PREFIX,
    OUTGOING_PREFIX,
    RAW_PREFIX,
    RECIPIENTS_PREFIX,
    VERDICT_PREFIX,
)

__all__ = ["IngestWriter", "Scanner", "ingest_statements", "quarantine_statements"]

_SCANNED_PREFIXES: Final = (CLEAN_PREFIX, VERDICT_PREFIX, HELD_PREFIX)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanner:
    """The values of a scanner that an inbox needs.

    Args:
        role_arn: its role, the only one that reads quarantine.
        queue_arn: its queue; S3 may send to it.
        topic_arn: topic with SES's notifications of mail and its recipients. Default: None, the recipient in SES's header line.
        ready: resources of the same stack that S3 needs to send. Default: none, for a scanner of another stack.
        key_arns: KMS keys that its role may already use for buckets and topics. Default: none; the policy of another key must name
            the role.
    """

    role_arn: str
    queue_arn: str
    topic_arn: str | None = None
    ready: Sequence[Any] = ()
    key_arns: Sequence[str] = ()


def quarantine_statements(bucket_arn: str, scanner: Scanner | None) -> list[dict[str, Any]]:
    """Statements of the bucket's policy; without a scanner, all reads of quarantine and all deliveries are denied."""
    raw = f"{bucket_arn}/{RAW_PREFIX}*"
    scanned = [f"{bucket_arn}/{prefix}*" for prefix in _SCANNED_PREFIXES]
    role = scanner.role_arn if scanner is not None else None
    statements = [
        # No other principal reads quarantine, not even an administrator with s3:*. The Deny covers versions, tags and
        # replication: a wider Deny is safer.
        deny_all_but(role, "DenyReadingQuarantine", "s3:GetObject*", raw),
        # All objects under clean/ are scanned, so no other principal may write there.
        deny_all_but(role, "DenyDelivering", ["s3:PutObject*", "s3:Replicate*"], scanned),
    ]
    if role is not None:
        requests = [f"{bucket_arn}/{prefix}*" for prefix in (DECISIONS_PREFIX, OUTGOING_PREFIX)]
        known = ["s3:GetBucketTagging", "s3:ListBucket", "s3:ListBucketVersions"]
        statements += [
            allow("LetScannerTakeMail", role, ["s3:GetObjectVersion", "s3:DeleteObjectVersion"], raw),
            allow("LetScannerDeliver", role, ["s3:GetObject", "s3:PutObject"], scanned),
            allow("LetScannerUnlist", role, ["s3:DeleteObject"], f"{bucket_arn}/{HELD_PREFIX}*"),
            # A recall puts a message back into quarantine, from the version before the notice. It writes no request.
            allow("LetScannerReadReplaced", role, ["s3:GetObjectVersion"], f"{bucket_arn}/{CLEAN_PREFIX}*"),
            allow("LetScannerTakeBack", role, ["s3:PutObject"], raw),
            {
                **allow("DenyScannerRequests", role, ["s3:PutObject"], requests),
                "Effect": "Deny",
            },
            # Without the right to list, S3 answers "forbidden" for a missing object.
            allow("LetScannerKnowBucket", role, known, bucket_arn),
        ]
    return statements


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestWriter:
    """The values of an ingest worker that an inbox needs.

    Args:
        role_arn: its role, the only one that writes attachments and bodies.
        queue_arn: its queue; S3 may send to it.
        ready: resources of the same stack that must be there before S3 tries to send. Default: none.
    """

    role_arn: str
    queue_arn: str
    ready: Sequence[Any] = ()


def ingest_statements(bucket_arn: str, structurer: IngestWriter | None) -> list[dict[str, Any]]:
    """Statements of the bucket's policy; without a structurer, all writes of attachments and bodies are denied."""
    own = [f"{bucket_arn}/{prefix}*" for prefix in (ATTACHMENTS_PREFIX, BODIES_PREFIX)]
    role = structurer.role_arn if structurer is not None else None
    statements = [deny_all_but(role, "DenyFiling", ["s3:PutObject*", "s3:Replicate*"], own)]
    if role is not None:
        statements += [
            allow(
                "LetStructurerRead",
                role,
                ["s3:GetObject", "s3:GetObjectVersion"],
                [f"{bucket_arn}/{CLEAN_PREFIX}*", f"{bucket_arn}/{RECIPIENTS_PREFIX}*"],
            ),
            allow("LetStructurerFile", role, ["s3:GetObject", "s3:PutObject"], own),
            # Without the right to list, S3 answers "forbidden" for a missing object.
            allow("LetStructurerKnowBucket", role, ["s3:ListBucket", "s3:ListBucketVersions"], bucket_arn),
        ]
    return statements
