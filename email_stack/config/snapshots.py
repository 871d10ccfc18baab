"""The settings API's fields of a tenant, in a file beside the config: one file a tenant, by `email-stack settings pull`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from constructs_lib.values import identifier
from email_stack.config.problems import Fault

__all__ = [
    "FOLDER",
    "OWNED",
    "REVISION_OUTPUT",
    "Snapshot",
    "SnapshotError",
    "read_snapshot",
    "snapshot_file",
    "snapshot_from",
    "snapshot_text",
]

OWNED: Final = ("subdomain", "dns", "ownership", "live", "addresses")
"""Keys that the API owns of a tenant with `settings: api`. The config owns the others."""
REVISION_OUTPUT: Final = "SettingsRevision"
"""Output of a tenant's stack: the revision of its snapshot."""
FOLDER: Final = "settings"
"""Folder of the snapshots: beside the file of tenants, or in the folder of one file a tenant."""
MOST_BYTES: Final = 4 * 2**20
_VERSION: Final = 1
_KEYS: Final = {"version", "tenant", "organization", "revision", "settings"}


class SnapshotError(ValueError):
    """A file is no snapshot of that tenant; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One organisation's settings of one tenant.

    Args:
        tenant: its permanent id.
        organization: the owner.
        revision: of the settings; a higher one is later.
        settings: the values of `OWNED`, as the config writes them.
    """

    tenant: str
    organization: str
    revision: int
    settings: Mapping[str, Any]


def snapshot_file(config: Path, tenant: str) -> Path:
    """The file of a tenant's snapshot. Raises `RuleError`: the text is no id, so it could name any file."""
    folder = config if config.is_dir() else config.parent
    return folder / FOLDER / f"{identifier(tenant)}.json"


def snapshot_text(snapshot: Snapshot) -> str:
    """The file's text. Equal snapshots have equal texts."""
    said = {
        "version": _VERSION,
        "tenant": snapshot.tenant,
        "organization": snapshot.organization,
        "revision": snapshot.revision,
        "settings": {name: snapshot.settings[name] for name in OWNED},
    }
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def read_snapshot(path: Path, tenant: str) -> Snapshot:
    """The snapshot in a tenant's file. Raises SnapshotError."""
    try:
        if not path.is_file() or path.is_symlink():
            raise SnapshotError(Fault("has no snapshot", f"write it with `email-stack settings pull {tenant}`"))
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise SnapshotError(
            Fault(f"snapshot cannot be read: {error.strerror}", "check its name and its permissions")
        ) from error
    if len(content) > MOST_BYTES:
        raise _none(tenant, f"is larger than {MOST_BYTES // 2**20} MiB")
    return snapshot_from(content, tenant)


def snapshot_from(content: bytes, tenant: str) -> Snapshot:
    """The snapshot of a tenant in JSON text. The config's own model checks its values. Raises SnapshotError."""
    try:
        said: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise _none(tenant, "is no JSON") from None
    if not isinstance(said, dict) or set(said) != _KEYS or said["version"] != _VERSION:
        raise _none(tenant, f"is none of version {_VERSION}")
    if said["tenant"] != tenant:
        raise _none(tenant, "is another tenant's")
    revision, settings = said["revision"], said["settings"]
    if isinstance(revision, bool) or not isinstance(revision, int) or not 0 < revision < 10**12:
        raise _none(tenant, "has no revision")
    if not isinstance(said["organization"], str) or not isinstance(settings, dict) or set(settings) != set(OWNED):
        raise _none(tenant, f"must have an organization, and settings of {', '.join(OWNED)} alone")
    return Snapshot(
        tenant=tenant,
        organization=said["organization"],
        revision=revision,
        settings={**settings, "addresses": _tuple(settings["addresses"])},
    )


def _tuple(value: Any) -> Any:
    """Lists as the reader of YAML gives them."""
    return tuple(value) if isinstance(value, list) else value


def _none(tenant: str, why: str) -> SnapshotError:
    return SnapshotError(Fault(f"snapshot {why}", f"write it anew with `email-stack settings pull {tenant}`"))
