"""An S3 in memory: one bucket with versions, as far as scanner, store and outbox call it.

`tests/mailroom/test_memory_s3.py` compares its answers, errors and versions with the emulator's.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

__all__ = ["MemoryBucket", "Version", "refusal"]

_STATUS: Final = {
    "404": 404,
    "NoSuchKey": 404,
    "NoSuchVersion": 404,
    "MethodNotAllowed": 405,
    "PreconditionFailed": 412,
}
_MOST_KEYS: Final = 1000


def refusal(code: str, operation: str) -> ClientError:
    """boto3's error for an answer of S3."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": _STATUS[code]}}
    return ClientError(answer, operation)


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One version of a key.

    Args:
        id: its own.
        written: when.
        body: its bytes; None for a delete marker.
        metadata: of its upload.
        headers: such as its ContentType, by the names of S3's client.
    """

    id: str
    written: datetime
    body: bytes | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """Its entity tag."""
        return f'"{hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()}"'


@dataclass
class MemoryBucket:
    """A client of S3 with one bucket; each object knows when it was written.

    Args:
        clock: the time now.
        versions: of each key, the newest last.
        calls: number of calls of each operation.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def objects(self) -> dict[str, Version]:
        """The latest version of each key that is not deleted."""
        return {key: found[-1] for key, found in self.versions.items() if found[-1].body is not None}

    def put_object(
        self,
        *,
        Key: str,  # noqa: N803
        Body: bytes | str,  # noqa: N803
        Bucket: str = "",  # noqa: N803
        Metadata: dict[str, str] | None = None,  # noqa: N803
        IfMatch: str = "",  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        **headers: str,
    ) -> Any:
        """PutObject."""
        self.calls["put_object"] += 1
        standing = self._current(Key)
        assert IfNoneMatch in {"", "*"}
        if IfNoneMatch and standing is not None:
            raise refusal("PreconditionFailed", "PutObject")
        if IfMatch and standing is None:
            raise refusal("NoSuchKey", "PutObject")
        if IfMatch and standing is not None and standing.etag != IfMatch:
            raise refusal("PreconditionFailed", "PutObject")
        body = Body.encode() if isinstance(Body, str) else bytes(Body)
        made = self._add(Key, body=body, metadata=dict(Metadata or {}), headers=headers)
        return {"ETag": made.etag, "VersionId": made.id, **_done()}

    def get_object(self, *, Key: str, Bucket: str = "", VersionId: str = "", IfMatch: str = "") -> Any:  # noqa: N803
        """GetObject."""
        self.calls["get_object"] += 1
        found = self._found(Key, VersionId, "GetObject")
        if IfMatch and found.etag != IfMatch:
            raise refusal("PreconditionFailed", "GetObject")
        body = found.body or b""
        return {"Body": StreamingBody(io.BytesIO(body), len(body)), **_described(found)}

    def head_object(self, *, Key: str, Bucket: str = "") -> Any:  # noqa: N803
        """HeadObject; its refusals have no body, and so no code but the status."""
        self.calls["head_object"] += 1
        found = self._current(Key)
        if found is None:
            raise refusal("404", "HeadObject")
        return _described(found)

    def delete_object(self, *, Key: str, Bucket: str = "", VersionId: str = "") -> Any:  # noqa: N803
        """DeleteObject: of a version for ever, else by a delete marker."""
        self.calls["delete_object"] += 1
        if not VersionId:
            return {"DeleteMarker": True, "VersionId": self._add(Key).id, **_done(204)}
        had = self.versions.get(Key, [])
        left = [one for one in had if one.id != VersionId]
        gone = [one for one in had if one.id == VersionId]
        if left:
            self.versions[Key] = left
        else:
            self.versions.pop(Key, None)
        marked = {"DeleteMarker": True} if gone and gone[0].body is None else {}
        return {"VersionId": VersionId, **marked, **_done(204)}

    def copy_object(
        self,
        *,
        Key: str,  # noqa: N803
        CopySource: dict[str, str],  # noqa: N803
        MetadataDirective: str,  # noqa: N803
        TaggingDirective: str,  # noqa: N803
        Metadata: dict[str, str],  # noqa: N803
        Bucket: str = "",  # noqa: N803
        **headers: str,
    ) -> Any:
        """CopyObject within the bucket, with metadata of its own."""
        self.calls["copy_object"] += 1
        assert (MetadataDirective, TaggingDirective) == ("REPLACE", "REPLACE")
        source = self._version(CopySource["Key"], CopySource["VersionId"])
        if source is None or source.body is None:
            raise refusal("NoSuchVersion", "CopyObject")
        made = self._add(Key, body=source.body, metadata=dict(Metadata), headers=headers)
        result = {"ETag": made.etag, "LastModified": made.written}
        return {"CopyObjectResult": result, "CopySourceVersionId": source.id, "VersionId": made.id, **_done()}

    def list_objects_v2(
        self,
        *,
        Bucket: str = "",  # noqa: N803
        Prefix: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        StartAfter: str = "",  # noqa: N803
    ) -> Any:
        """ListObjectsV2, all on one page."""
        assert not (Delimiter and StartAfter), "emulator and AWS differ there, and nobody asks so"
        self.calls["list_objects_v2"] += 1
        keys = sorted(
            key
            for key, found in self.versions.items()
            if key.startswith(Prefix) and key > StartAfter and found[-1].body is not None
        )
        folders: dict[str, None] = {}
        contents = []
        for key in keys:
            name, found, _rest = key[len(Prefix) :].partition(Delimiter) if Delimiter else (key, "", "")
            if found:
                folders[f"{Prefix}{name}{found}"] = None
            else:
                contents.append(_listed(key, self.versions[key][-1]))
        assert len(contents) + len(folders) <= _MOST_KEYS
        return {
            "Prefix": Prefix,
            "IsTruncated": False,
            "KeyCount": len(contents) + len(folders),
            **({"Contents": contents} if contents else {}),
            **({"CommonPrefixes": [{"Prefix": one} for one in folders]} if folders else {}),
            **_done(),
        }

    def list_object_versions(self, *, Bucket: str = "", Prefix: str = "", MaxKeys: int = _MOST_KEYS) -> Any:  # noqa: N803
        """ListObjectVersions: its first page."""
        self.calls["list_object_versions"] += 1
        every = [
            (key, one, one is found[-1])
            for key in sorted(key for key in self.versions if key.startswith(Prefix))
            for found in [self.versions[key]]
            for one in reversed(found)
        ]
        page = every[:MaxKeys]
        versions = [
            {**_listed(key, one), "VersionId": one.id, "IsLatest": latest}
            for key, one, latest in page
            if one.body is not None
        ]
        markers = [
            {"Key": key, "VersionId": one.id, "IsLatest": latest, "LastModified": one.written}
            for key, one, latest in page
            if one.body is None
        ]
        return {
            "Prefix": Prefix,
            "IsTruncated": len(every) > len(page),
            **({"Versions": versions} if versions else {}),
            **({"DeleteMarkers": markers} if markers else {}),
            **_done(),
        }

    def get_paginator(self, name: str) -> _OnePage:
        """Of a listing."""
        return _OnePage(getattr(self, name))

    def _current(self, key: str) -> Version | None:
        found = self.versions.get(key)
        return found[-1] if found and found[-1].body is not None else None

    def _version(self, key: str, id: str) -> Version | None:
        return next((one for one in self.versions.get(key, []) if one.id == id), None)

    def _found(self, key: str, id: str, operation: str) -> Version:
        found = self._version(key, id) if id else self._current(key)
        if found is None:
            raise refusal("NoSuchVersion" if id else "NoSuchKey", operation)
        if found.body is None:
            raise refusal("MethodNotAllowed", operation)
        return found

    def _add(self, key: str, **said: Any) -> Version:
        made = Version(id=f"version-{next(self._ids):08}", written=self.clock(), **said)
        self.versions.setdefault(key, []).append(made)
        return made


@dataclass
class _OnePage:
    listing: Callable[..., Any]

    def paginate(self, **request: Any) -> list[Any]:
        """The only page."""
        page = self.listing(**request)
        assert not page["IsTruncated"]
        return [page]


def _done(status: int = 200) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status}}


def _described(version: Version) -> dict[str, Any]:
    """Answer to a read; its time is of whole seconds, as in a header of HTTP."""
    return {
        "ContentType": "application/octet-stream",
        **version.headers,
        "ContentLength": len(version.body or b""),
        "ETag": version.etag,
        "LastModified": version.written.replace(microsecond=0),
        "Metadata": dict(version.metadata),
        "VersionId": version.id,
        **_done(),
    }


def _listed(key: str, version: Version) -> dict[str, Any]:
    return {"Key": key, "ETag": version.etag, "LastModified": version.written, "Size": len(version.body or b"")}
