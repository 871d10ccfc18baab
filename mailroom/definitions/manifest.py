"""The manifest of a set of definitions: its files, and the time of its last confirmation. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

__all__ = [
    "FRESHCLAM_STATE",
    "MANIFEST_KEY",
    "SETS_PREFIX",
    "Manifest",
    "ManifestError",
    "is_definitions",
    "set_version",
]

FRESHCLAM_STATE = "freshclam.dat"
"""File and key of freshclam's state: its id at the source, and the end of a ban by the source. Not part of a set."""

MANIFEST_KEY = "current.json"
"""Key of the current set's manifest, the only object that is overwritten; each set has keys of its own."""

SETS_PREFIX = "sets/"

_NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}+\.(?:(?:cvd|cld|cud)(?:\.sign)?|hdb|hsb|mdb|msb|ndb|ldb|cdb|fp|sfp|ign2|yar)"
)
"""Databases, and since ClamAV 1.5 the signature files of signed ones: main-63.cvd.sign."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """The document is no manifest; the text names the fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One set.

    Args:
        files: SHA-256 of each file in hexadecimal, by its name.
        signatures: number of signatures that the engine loaded.
        created: time of its publication, with a time zone.
        checked: time at which the source last confirmed it as the newest.
    """

    files: Mapping[str, str]
    signatures: int
    created: datetime
    checked: datetime

    @property
    def version(self) -> str:
        """Digest of all files: the same files are the same set."""
        return set_version(self.files)

    def key(self, name: str) -> str:
        """Key of a file of the set."""
        return f"{SETS_PREFIX}{self.version}/{name}"

    def to_json(self) -> str:
        """JSON for `from_json`."""
        return json.dumps(
            {
                "files": dict(sorted(self.files.items())),
                "signatures": self.signatures,
                "created": self.created.isoformat(),
                "checked": self.checked.isoformat(),
            },
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """The manifest of a text.

        Raises:
            ManifestError: the text is no JSON, or a field is missing or malformed.
        """
        try:
            data = json.loads(text)
            made = cls(
                files=dict(data["files"]),
                signatures=int(data["signatures"]),
                created=datetime.fromisoformat(data["created"]),
                checked=datetime.fromisoformat(data["checked"]),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ManifestError(f"manifest: cannot be read: {type(error).__name__}: {error}") from error
        if not made.files:
            raise ManifestError("manifest: files must not be empty")
        for name, digest in made.files.items():
            if not is_definitions(name) or not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
                raise ManifestError(f"manifest: files must be names of definitions with their SHA-256, got {name!r}")
        if made.created.tzinfo is None or made.checked.tzinfo is None:
            raise ManifestError("manifest: created and checked must have a time zone")
        return made


def is_definitions(name: object) -> bool:
    """Whether a set may have a file of that name: only plain names of ClamAV's files, because names become paths and keys."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def set_version(files: Mapping[str, str]) -> str:
    """Digest of names and contents, in hexadecimal."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
