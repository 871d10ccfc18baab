"""How things are named in the table of settings. Pure.

| partition key | sort key | what |
|---|---|---|
| `ORG#<organisation>` | `META` | revision of its settings |
| `ORG#<organisation>` | `DOMAIN#<domain>` | a claim, proven or not |
| `ORG#<organisation>` | `ADDRESS#<id>` | an address |
| `ORG#<organisation>` | `SETTING#<kind>#<id>` | a signature, an allowed recipient, or the time for repeated mail |
| `ORG#<organisation>` | `AUDIT#<revision>` | who changed what; kept a year |
| `ORG#<organisation>` | `RATE#<name>#<window>` | how often something was done; gone after the window |
| `NAMES#<registered domain>` | `HELD` | who holds the names below it |
| `PLATFORM#<organisation>` | `POLICY` | what the platform's operator says of the organisation |

A session for one organisation is let into its `ORG#` partition, and may read `NAMES#`; only what proves domains writes there.
Only operators write to `PLATFORM#`. `LOOK` / `HOLDER` says who looks now, and until when.

Two indexes hold what somebody is to look at, and nothing else; each has the time in its sort key:

| index | partition key | what |
|---|---|---|
| `looks` | `RUNNING` | domains whose run is under way |
| `looks` | `WAITING` | domains whose run is to begin |
| `looks` | `CHANGED` | organisations whose settings are to come into the tables of their tenants |
| `checks` | `DAILY` | domains, by when they are to be checked again |
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
"""Of a session for one organisation: only its own partition is open to that."""
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
    """Partition key of all that is an organisation's."""
    return f"{_ORGANIZATION}{organization}"


def organization_of(partition: str) -> str:
    """The organisation whose partition it is. Raises ValueError for another's."""
    if not partition.startswith(_ORGANIZATION):
        raise ValueError("partition: must be an organisation's")
    return partition.removeprefix(_ORGANIZATION)


def meta_key(organization: str) -> tuple[str, str]:
    """Key of the revision of an organisation's settings."""
    return organization_partition(organization), "META"


def platform_key(organization: str) -> tuple[str, str]:
    """Key of what the platform says of an organisation, which the organisation cannot change."""
    return f"PLATFORM#{organization}", "POLICY"


def domain_key(organization: str, domain: str) -> tuple[str, str]:
    """Key of a claim."""
    return organization_partition(organization), f"{DOMAIN_PREFIX}{domain}"


def address_key(organization: str, id: str) -> tuple[str, str]:
    """Key of an address."""
    return organization_partition(organization), f"{ADDRESS_PREFIX}{id}"


def setting_prefix(kind: Kind) -> str:
    """What the sort keys of a kind begin with."""
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
    """Key of who looks now."""
    return "LOOK", "HOLDER"


def names_key(registered: str) -> tuple[str, str]:
    """Key of who holds the names below a registered domain."""
    return f"{NAMES_PREFIX}{registered}", "HELD"
