"""The ledger of recent deliveries and of known infected digests: names of objects beside the definitions.

Each delivery is one object, whose key has all that a look needs: time, tenant's bucket, set of definitions, digests of its parts.
So one request lists a thousand deliveries, newest hour first, without reading mail. A lifecycle rule removes old entries.

| key, below `recall/<scanner>/` | what |
|---|---|
| `delivered/<hour>/<bucket>/<id>/<number>.<second>.<set>.<message><digests>` | a delivery, or more digests of one |
| `bad/<digest>` | an infected part; the text has signature and time |
| `state.json` | progress of the scan with the newest set |
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from mailroom.faults import GONE, TAKEN, code_of
from mailroom.layout import LEDGER_PREFIX, MAX_KEY_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["MOST_DIGESTS", "Bad", "Entry", "Ledger", "State", "short"]

MOST_DIGESTS: Final = 200
"""Most digests of one delivery: the number of parts that a verdict lists."""

_HOUR: Final = "%Y%m%d%H"
_DIGEST_OCTETS: Final = 16
_SHORT: Final = 22
"""Characters of 128 bits of a SHA-256, in base64: enough against collisions."""
_FULL: Final = 43
_SET: Final = 16
_RESERVED: Final = 40
"""Bytes of a key for number, second and set."""


def short(sha256: str) -> str:
    """The ledger's short form of a SHA-256 in hexadecimal."""
    return _encoded(bytes.fromhex(sha256)[:_DIGEST_OCTETS])


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One delivery.

    Args:
        bucket: the tenant's.
        id: SES's id of the delivery.
        at: time of the delivery, in seconds since 1970.
        judged: beginning of the version of the set that called it clean.
        message: its id for readers.
        digests: of the delivered message, then of its parts, as `short` makes them.
        keys: of its objects, sorted.
    """

    bucket: str
    id: str
    at: int
    judged: str
    message: str
    digests: tuple[str, ...]
    keys: tuple[str, ...] = ()

    @property
    def delivered(self) -> str:
        """Digest of the delivered message, as `short` makes it."""
        return self.digests[0]


@dataclass(frozen=True, slots=True)
class Bad:
    """An infected part: the signature, and the time of the last finding, in seconds since 1970."""

    signature: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Progress of the rescan of deliveries.

    Args:
        judging: beginning of the version of the scanning set; "" before the first.
        began: start of the rescan, in seconds since 1970; later deliveries were scanned with this set, or wait for the next.
        behind: key of the last finished delivery; "" at the beginning.
        tries: failed tries of the delivery after it.
        left: number of deliveries that failed at each try.
        done: whether all deliveries are finished.
        until: end of a worker's lock, in seconds since 1970.
    """

    judging: str = ""
    began: int = 0
    behind: str = ""
    tries: int = 0
    left: int = 0
    done: bool = True
    until: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The ledger of one scanner.

    Args:
        s3: a client.
        bucket: of the definitions.
        scanner: name of the scanner.
        days: age of its oldest deliveries, in days.
    """

    s3: S3Client
    bucket: str
    scanner: str
    days: int = 7

    @property
    def _root(self) -> str:
        return f"{LEDGER_PREFIX}{self.scanner}/"

    def note(self, entry: Entry) -> None:
        """Note a delivery; repeating is harmless. Ids too long for a key are not SES's, and left out. Raises ClientError."""
        for key in _keys(f"{self._root}delivered/", entry):
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"")

    def forget(self, entry: Entry) -> None:
        """Remove a finished delivery. Raises ClientError."""
        # The first object last: without the others, it still names the delivered message.
        for key in sorted(entry.keys, reverse=True):
            self.s3.delete_object(Bucket=self.bucket, Key=key)

    def deliveries(self, now: datetime, behind: str = "") -> Iterator[Entry]:
        """Deliveries of the last days after a key: the newest hour first, within an hour by key. Raises ClientError."""
        root = f"{self._root}delivered/"
        last = f"{root}{(now.astimezone(UTC) - timedelta(days=self.days)):{_HOUR}}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=root, Delimiter="/")
        hours = sorted(one["Prefix"] for page in pages for one in page.get("CommonPrefixes", []))
        for hour in reversed(hours):
            if last <= hour and (not behind or hour <= behind):
                yield from _joined(
                    _entry(key, root) for key in self._listed(hour, behind if behind.startswith(hour) else hour)
                )

    def note_bad(self, sha256: str, signature: str, now: datetime) -> None:
        """Note an infected part. Raises ClientError."""
        body = json.dumps({"signature": signature, "at": int(now.timestamp())})
        self.s3.put_object(Bucket=self.bucket, Key=f"{self._root}bad/{short(sha256)}", Body=body)

    def bad(self) -> dict[str, Bad]:
        """Known infected digests, as `short` makes them. Raises ClientError."""
        found = {}
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{self._root}bad/")
        for one in (one for page in pages for one in page.get("Contents", [])):
            said = json.loads(self.s3.get_object(Bucket=self.bucket, Key=one["Key"])["Body"].read())
            found[one["Key"].rpartition("/")[2]] = Bad(said["signature"], said["at"])
        return found

    def forget_bad(self, digests: Iterable[str]) -> None:
        """Remove digests that all deliveries were compared with. Raises ClientError."""
        for digest in digests:
            self.s3.delete_object(Bucket=self.bucket, Key=f"{self._root}bad/{digest}")

    def state(self) -> tuple[State, str]:
        """Progress of the rescan, and the object's entity tag; "" without an object. Raises ClientError."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=f"{self._root}state.json")
        except ClientError as error:
            if code_of(error) in GONE:
                return State(), ""
            raise
        return State(**json.loads(answer["Body"].read())), answer["ETag"]

    def write_state(self, state: State, tag: str) -> str | None:
        """Replace the progress that has `tag`; returns the new tag, None where another worker wrote. Raises ClientError."""
        named: dict[str, Any] = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        body = json.dumps({name: getattr(state, name) for name in State.__slots__})
        try:
            return self.s3.put_object(Bucket=self.bucket, Key=f"{self._root}state.json", Body=body, **named)["ETag"]
        except ClientError as error:
            if code_of(error) in TAKEN:
                return None
            raise

    def _listed(self, prefix: str, after: str) -> Iterator[str]:
        """Keys below a prefix, after a key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, StartAfter=after)
        for page in pages:
            yield from (one["Key"] for one in page.get("Contents", []))


def _keys(root: str, entry: Entry) -> Iterator[str]:
    """Keys of a delivery, as many as its digests need."""
    at = datetime.fromtimestamp(entry.at, UTC)
    place = f"{root}{at:{_HOUR}}/{entry.bucket}/{quote(entry.id, safe='')}/"
    message = _encoded(bytes.fromhex(entry.message))
    room = (MAX_KEY_BYTES - len(place) - _RESERVED - _FULL) // _SHORT
    digests = entry.digests[:MOST_DIGESTS] if room > 0 else ()
    for number, start in enumerate(range(0, len(digests), max(room, 1))):
        yield f"{place}{number:03}.{entry.at}.{entry.judged}.{message}{''.join(digests[start : start + room])}"


def _entry(key: str, root: str) -> Entry:
    """The delivery of a key, or a part of it."""
    _hour, bucket, name, said = key[len(root) :].split("/")
    _number, at, judged, names = said.split(".")
    digests = tuple(names[start : start + _SHORT] for start in range(_FULL, len(names), _SHORT))
    return Entry(
        bucket=bucket, id=unquote(name), at=int(at), judged=judged, message=names[:_FULL], digests=digests, keys=(key,)
    )


def _joined(parts: Iterable[Entry]) -> Iterator[Entry]:
    """Join the consecutive objects of each delivery."""
    whole: Entry | None = None
    for part in parts:
        if whole is not None and (part.bucket, part.id, part.at) == (whole.bucket, whole.id, whole.at):
            whole = replace(whole, digests=(*whole.digests, *part.digests), keys=(*whole.keys, *part.keys))
            continue
        if whole is not None:
            yield _named(whole)
        whole = part
    if whole is not None:
        yield _named(whole)


def _named(entry: Entry) -> Entry:
    return replace(entry, message=urlsafe_b64decode(f"{entry.message}=").hex())


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
