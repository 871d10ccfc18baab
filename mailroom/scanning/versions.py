"""Versions of objects that are not deleted.

A deletion in a bucket with versions, by hand or by a lifecycle rule, only adds a delete marker: the versions can be listed and read
until a rule removes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

__all__ = ["is_kept", "kept_versions"]


def kept_versions(s3: S3Client, bucket: str, prefix: str) -> Iterator[ObjectVersionTypeDef]:
    """Versions below a prefix since the last deletion of their keys, key by key.

    A replaced version counts as kept: its replacement is another message. S3's times are whole seconds: a version from the second
    of a deletion counts as deleted, unless it is the latest.

    Source: S3 API reference, "ListObjectVersions": keys in order, those of one key may go on on the next page.
    """
    found: list[ObjectVersionTypeDef] = []
    deleted: dict[str, datetime] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found += page.get("Versions", [])
        for marker in page.get("DeleteMarkers", []):
            deleted[marker["Key"]] = max(marker["LastModified"], deleted.get(marker["Key"], marker["LastModified"]))
        goes_on = max((found[-1]["Key"] if found else "", max(deleted, default="")))
        yield from (one for one in found if one["Key"] != goes_on and _is_kept(one, deleted))
        found = [one for one in found if one["Key"] == goes_on]
        deleted = {key: at for key, at in deleted.items() if key == goes_on}
    yield from (one for one in found if _is_kept(one, deleted))


def is_kept(s3: S3Client, bucket: str, key: str, version: str) -> bool:
    """Whether this version exists and is not deleted."""
    for one in kept_versions(s3, bucket, key):
        if one["Key"] != key:
            return False
        if one["VersionId"] == version:
            return True
    return False


def _is_kept(version: ObjectVersionTypeDef, deleted: dict[str, datetime]) -> bool:
    marked = deleted.get(version["Key"])
    return marked is None or version["IsLatest"] or version["LastModified"] > marked
