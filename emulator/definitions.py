"""Publishes definitions as the mirror does, because official ones need a server on the internet."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from mailroom.definitions.manifest import MANIFEST_KEY, Manifest

__all__ = ["publish"]


def publish(s3: Any, bucket: str, signatures: str, now: datetime | None = None) -> Manifest:
    """Make a set of one file of signatures the current one.

    Args:
        s3: a client.
        bucket: the mirror's.
        signatures: lines of an .ndb file.
        now: time of its confirmation. Default: now.
    """
    moment = now or datetime.now(UTC)
    files = {"own.ndb": hashlib.sha256(signatures.encode()).hexdigest()}
    manifest = Manifest(files=files, signatures=signatures.count("\n"), created=moment, checked=moment)
    s3.put_object(Bucket=bucket, Key=manifest.key("own.ndb"), Body=signatures)
    s3.put_object(Bucket=bucket, Key=MANIFEST_KEY, Body=manifest.to_json())
    return manifest
