"""What S3 says with its error codes. Pure."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError

__all__ = ["GONE", "TAKEN", "code_of"]

GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
"""There is no such object."""

TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""The condition of a write does not hold."""


def code_of(error: ClientError) -> str:
    """S3's code of an error; "" where it gives none."""
    return str(error.response.get("Error", {}).get("Code", ""))
