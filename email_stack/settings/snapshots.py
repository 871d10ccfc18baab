"""What an organisation wants of a domain, as the snapshot that the config is merged with. Pure."""

from __future__ import annotations

from email_stack.config.snapshots import Snapshot
from mailroom.settings.entries import Desired

__all__ = ["snapshot_of"]


def snapshot_of(desired: Desired) -> Snapshot:
    """The snapshot. Names of addresses are none of it: they hold at run time."""
    return Snapshot(
        tenant=desired.tenant,
        organization=desired.organization,
        revision=desired.revision,
        settings={
            "subdomain": desired.domain,
            "dns": desired.dns,
            "ownership": desired.token,
            "live": desired.live,
            "addresses": tuple(one.rpartition("@")[0] for one in desired.addresses),
        },
    )
