"""Keys of the table of settings. Pure.

| partition key | sort key | what |
|---|---|---|
| `ORG#<organisation>` | `META` | revision of its settings |
| `ORG#<organisation>` | `DOMAIN#<domain>` | a claim, proven or not |
| `ORG#<organisation>` | `ADDRESS#<id>` | an address |
| `ORG#<organisation>` | `SETTING#<kind>#<id>` | a signature, an allowed recipient, or the time for repeated mail |
| `ORG#<organisation>` | `AUDIT#<revision>` | note on a change: user and entries; kept a year |
| `ORG#<organisation>` | `RATE#<name>#<window>` | counter of a rate limit; deleted after the window |
| `NAMES#<registered domain>` | `HELD` | holders of the names below it |
| `PLATFORM#<organisation>` | `POLICY` | policy of the platform's operator for the organisation |

A session for one organisation may use its `ORG#` partition and read `NAMES#`; only operations that prove domains write there.
Only operators write to `PLATFORM#`. `LOOK` / `HOLDER` has the present holder of the looks, and the end of its hold.

Two indexes hold only items with a due look; the sort key of each is the time:

| index | partition key | what |
|---|---|---|
| `looks` | `RUNNING` | domains with a run under way |
| `looks` | `WAITING` | domains with a run to begin |
| `looks` | `CHANGED` | organisations with settings to copy into the tables of their tenants |
| `checks` | `DAILY` | domains, by the time of their next check |
"""

from __future__ import annotations

from typing import Final

from mailroom.settings.entries import Kind

__all__ = [
    "ADDRESS_PREFIX",
    "AUDIT_PREFIX",
    "CHANGED",
    "CHECKS",
    "DAILY",
    "DOMAIN_PREFIX",
    "INDEXES",
    "LOOKS",
    "NAMES_PREFIX",
    "ORGANIZATION_TAG",
    "RUNNING",
    "WAITING",
    "address_key",
    "audit_key",
    "domain_key",
    "holder_key",
    "meta_key",
    "names_key",
    "organization_of",
    "organization_partition",
    "platform_key",
    "rate_key",
    "setting_key",
    "setting_prefix",
]

_ORGANIZATION: Final = "ORG#"
DOMAIN_PREFIX: Final = "DOMAIN#"
ADDRESS_PREFIX: Final = "ADDRESS#"
AUDIT_PREFIX: Final = "AUDIT#"
NAMES_PREFIX: Final = "NAMES#"
ORGANIZATION_TAG: Final = "organization"
"""Tag of a session for one organisation, which opens that organisation's partition only."""
LOOKS: Final = "looks"
CHECKS: Final = "checks"
INDEXES: Final = {LOOKS: ("look", "look_at"), CHECKS: ("check", "check_at")}
"""Names of the indexes, and of their keys."""
RUNNING: Final = "RUNNING"
WAITING: Final = "WAITING"
CHANGED: Final = "CHANGED"
DAILY: Final = "DAILY"
_REVISION_DIGITS: Final = 12


def organization_partition(organization: str) -> str:
    """Partition key of an organisation's items."""
    return f"{_ORGANIZATION}{organization}"


def organization_of(partition: str) -> str:
    """The organisation of a partition. Raises ValueError for a partition of another kind."""
    if not partition.startswith(_ORGANIZATION):
        raise ValueError("partition: must be an organisation's")
    return partition.removeprefix(_ORGANIZATION)


def meta_key(organization: str) -> tuple[str, str]:
    """Key of the revision of an organisation's settings."""
    return organization_partition(organization), "META"


def platform_key(organization: str) -> tuple[str, str]:
    """Key of the platform's policy for an organisation, which the organisation cannot change."""
    return f"PLATFORM#{organization}", "POLICY"


def domain_key(organization: str, domain: str) -> tuple[str, str]:
    """Key of a claim."""
    return organization_partition(organization), f"{DOMAIN_PREFIX}{domain}"


def address_key(organization: str, id: str) -> tuple[str, str]:
    """Key of an address."""
    return organization_partition(organization), f"{ADDRESS_PREFIX}{id}"


def setting_prefix(kind: Kind) -> str:
    """Prefix of the sort keys of a kind."""
    return f"SETTING#{kind.value}#"


def setting_key(organization: str, kind: Kind, id: str) -> tuple[str, str]:
    """Key of a setting."""
    return organization_partition(organization), f"{setting_prefix(kind)}{id}"


def audit_key(organization: str, revision: int) -> tuple[str, str]:
    """Key of the note on one change; in order."""
    return organization_partition(organization), f"{AUDIT_PREFIX}{revision:0{_REVISION_DIGITS}}"


def rate_key(organization: str, name: str, window: int) -> tuple[str, str]:
    """Key of a counter for one window of time."""
    return organization_partition(organization), f"RATE#{name}#{window}"


def holder_key() -> tuple[str, str]:
    """Key of the present holder of the looks."""
    return "LOOK", "HOLDER"


def names_key(registered: str) -> tuple[str, str]:
    """Key of the holders of names below a registered domain."""
    return f"{NAMES_PREFIX}{registered}", "HELD"
