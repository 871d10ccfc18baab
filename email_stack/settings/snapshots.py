"""Wanted infrastructure of a domain as a snapshot, which is merged with the config. Pure."""

from __future__ import annotations

from email_stack.config.snapshots import Snapshot
from mailroom.settings.entries import Desired

__all__ = ["snapshot_of"]


def snapshot_of(desired: Desired) -> Snapshot:
    """The snapshot, without display names of addresses, which are run-time settings."""
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
