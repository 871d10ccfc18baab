"""What was delivered lately, and which digests are known to be bad: names of objects beside the definitions.

Each delivery is one object, whose key holds all that a look needs: when, whose, what it was judged with, and digests of its parts.
So one request lists a thousand deliveries, newest hour first, and no mail is read. What is over is removed by a lifecycle rule.

| key, below `recall/<scanner>/` | what |
|---|---|
| `delivered/<hour>/<bucket>/<id>/<number>.<second>.<set>.<message><digests>` | a delivery, or more digests of one |
| `bad/<digest>` | a part that malware was found in; its text says by which signature, and when |
| `state.json` | how far the scan with the newest set is |
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
"""Of one delivery, so many are kept: as many parts as a verdict lists."""

_HOUR: Final = "%Y%m%d%H"
_DIGEST_OCTETS: Final = 16
_SHORT: Final = 22
"""Characters of 128 bits of a SHA-256, in base64: enough that nobody finds two files with the same."""
_FULL: Final = 43
_SET: Final = 16
_RESERVED: Final = 40
"""Bytes of a key for number, second and set."""


def short(sha256: str) -> str:
    """A SHA-256 in hexadecimal as the ledger has it."""
    return _encoded(bytes.fromhex(sha256)[:_DIGEST_OCTETS])


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One delivery.

    Args:
        bucket: the tenant's.
        id: SES's id of the delivery.
        at: when it was delivered, in seconds since 1970.
        judged: beginning of the version of the set that found nothing in it.
        message: digest that names it to readers.
        digests: of what was delivered, first, and of its parts; as `short` says.
        keys: of its objects, in the order of their names.
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
        """Digest of what was delivered, as `short` says."""
        return self.digests[0]


@dataclass(frozen=True, slots=True)
class Bad:
    """A part that malware was found in: the signature, and when it was found last, in seconds since 1970."""

    signature: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far the scan of what was delivered is.

    Args:
        judging: beginning of the version of the set that is scanned with; "" before the first.
        began: when that began, in seconds since 1970; what was delivered later is judged by it anyway, or by the next.
        behind: key of the last delivery that is done; "" at the beginning.
        tries: how often the one behind it failed.
        left: how many were left after all tries.
        done: whether everything is.
        until: a worker is at it until then, in seconds since 1970.
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
        days: how many days back it goes.
    """

    s3: S3Client
    bucket: str
    scanner: str
    days: int = 7

    @property
    def _root(self) -> str:
        return f"{LEDGER_PREFIX}{self.scanner}/"

    def note(self, entry: Entry) -> None:
        """Note a delivery; again changes nothing. Ids too long for a key are none of SES's, and left out. Raises ClientError."""
        for key in _keys(f"{self._root}delivered/", entry):
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"")

    def forget(self, entry: Entry) -> None:
        """Remove a delivery: nothing is left to do of it. Raises ClientError."""
        # The first one last: where the others are missing, it still says what was delivered.
        for key in sorted(entry.keys, reverse=True):
            self.s3.delete_object(Bucket=self.bucket, Key=key)

    def deliveries(self, now: datetime, behind: str = "") -> Iterator[Entry]:
        """Deliveries of the last days, the newest hour first, in an hour by their keys; those behind a key. Raises ClientError."""
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
        """Note that malware was found in a part now. Raises ClientError."""
        body = json.dumps({"signature": signature, "at": int(now.timestamp())})
        self.s3.put_object(Bucket=self.bucket, Key=f"{self._root}bad/{short(sha256)}", Body=body)

    def bad(self) -> dict[str, Bad]:
        """Digests of what is known to be bad, as `short` says. Raises ClientError."""
        found = {}
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{self._root}bad/")
        for one in (one for page in pages for one in page.get("Contents", [])):
            said = json.loads(self.s3.get_object(Bucket=self.bucket, Key=one["Key"])["Body"].read())
            found[one["Key"].rpartition("/")[2]] = Bad(said["signature"], said["at"])
        return found

    def forget_bad(self, digests: Iterable[str]) -> None:
        """Every delivery was compared with these. Raises ClientError."""
        for digest in digests:
            self.s3.delete_object(Bucket=self.bucket, Key=f"{self._root}bad/{digest}")

    def state(self) -> tuple[State, str]:
        """How far the scan is, and the entity tag of the object; "" where there is none. Raises ClientError."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=f"{self._root}state.json")
        except ClientError as error:
            if code_of(error) in GONE:
                return State(), ""
            raise
        return State(**json.loads(answer["Body"].read())), answer["ETag"]

    def write_state(self, state: State, tag: str) -> str | None:
        """Write how far it is over what has that tag; the new tag, None where another worker wrote. Raises ClientError."""
        named: dict[str, Any] = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        body = json.dumps({name: getattr(state, name) for name in State.__slots__})
        try:
            return self.s3.put_object(Bucket=self.bucket, Key=f"{self._root}state.json", Body=body, **named)["ETag"]
        except ClientError as error:
            if code_of(error) in TAKEN:
                return None
            raise

    def _listed(self, prefix: str, after: str) -> Iterator[str]:
        """Keys below a prefix, behind one of them."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, StartAfter=after)
        for page in pages:
            yield from (one["Key"] for one in page.get("Contents", []))


def _keys(root: str, entry: Entry) -> Iterator[str]:
    """As many keys as the digests need."""
    at = datetime.fromtimestamp(entry.at, UTC)
    place = f"{root}{at:{_HOUR}}/{entry.bucket}/{quote(entry.id, safe='')}/"
    message = _encoded(bytes.fromhex(entry.message))
    room = (MAX_KEY_BYTES - len(place) - _RESERVED - _FULL) // _SHORT
    digests = entry.digests[:MOST_DIGESTS] if room > 0 else ()
    for number, start in enumerate(range(0, len(digests), max(room, 1))):
        yield f"{place}{number:03}.{entry.at}.{entry.judged}.{message}{''.join(digests[start : start + room])}"


def _entry(key: str, root: str) -> Entry:
    """The delivery, or the part of it, that a key says."""
    _hour, bucket, name, said = key[len(root) :].split("/")
    _number, at, judged, names = said.split(".")
    digests = tuple(names[start : start + _SHORT] for start in range(_FULL, len(names), _SHORT))
    return Entry(
        bucket=bucket, id=unquote(name), at=int(at), judged=judged, message=names[:_FULL], digests=digests, keys=(key,)
    )


def _joined(parts: Iterable[Entry]) -> Iterator[Entry]:
    """Objects of one delivery, which follow each other, as one."""
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
