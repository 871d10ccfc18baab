"""What a bucket must say of the function that makes entities of its mail. Pure: no CDK.

Attachments and bodies stand beside the mail that they were read from; only that function writes them, so that nothing is opened as
somebody's attachment that was not scanned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from constructs_lib.statements import allow, deny_all_but
from mailroom.layout import ATTACHMENTS_PREFIX, BODIES_PREFIX, CLEAN_PREFIX

__all__ = ["Structurer", "filing_statements"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Structurer:
    """What an inbox must know of what makes entities of its mail.

    Args:
        role_arn: its role, the only one that writes attachments and bodies.
        queue_arn: its queue; S3 may send to it.
        ready: resources of the same stack that must be there before S3 tries to send. Default: none.
    """

    role_arn: str
    queue_arn: str
    ready: Sequence[Any] = ()


def filing_statements(bucket_arn: str, structurer: Structurer | None) -> list[dict[str, Any]]:
    """Statements of the bucket's policy; without a structurer, nobody writes attachments or bodies."""
    own = [f"{bucket_arn}/{prefix}*" for prefix in (ATTACHMENTS_PREFIX, BODIES_PREFIX)]
    role = structurer.role_arn if structurer is not None else None
    statements = [deny_all_but(role, "DenyFiling", ["s3:PutObject*", "s3:Replicate*"], own)]
    if role is not None:
        statements += [
            allow("LetStructurerRead", role, ["s3:GetObject", "s3:GetObjectVersion"], f"{bucket_arn}/{CLEAN_PREFIX}*"),
            allow("LetStructurerFile", role, ["s3:GetObject", "s3:PutObject"], own),
            # Without the right to list, S3 says of what is gone that it is forbidden.
            allow("LetStructurerKnowBucket", role, ["s3:ListBucket", "s3:ListBucketVersions"], bucket_arn),
        ]
    return statements
