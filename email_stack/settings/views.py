"""Settings in the API's form. Pure."""

from __future__ import annotations

from typing import Final

from constructs_lib.records import Purpose
from email_stack.settings import shapes
from email_stack.settings.records import Found, found_from, record_from
from email_stack.settings.shapes import SettingType
from mailroom.settings.claims import Claim, Ownership, Status, ownership_name
from mailroom.settings.entries import AddressEntry, Setting

__all__ = ["address_setting", "domain_setting", "email_address", "setting"]


_THEIRS: Final = {Purpose.DELEGATION, Purpose.DMARC_REPORTS}
"""Records that the owner of a delegated domain sets; the deployed zone has the others."""


def domain_setting(claim: Claim) -> shapes.Setting:
    """A domain with its DNS records and its progress."""
    seen = claim.proven_at is not None and claim.unseen_since is None
    record = shapes.Record(
        type="TXT",
        name=ownership_name(claim.domain),
        value=claim.token,
        purpose="ownership",
        status="ok" if seen else "missing" if claim.checked_at is not None else "unknown",
    )
    return shapes.Setting(
        type=SettingType.EMAIL_DOMAIN,
        id=claim.id,
        org_id=claim.organization,
        value=claim.domain,
        created_at=claim.created_at,
        updated_at=claim.updated_at,
        created_by=claim.created_by,
        updated_by=claim.updated_by,
        revision=claim.revision,
        status=claim.status.value,
        dns="self-managed" if claim.dns == "self-managed" else "delegated",
        name_servers=list(claim.name_servers),
        records=[record, *_records(claim)],
        ownership=shapes.Ownership(
            name=record.name, value=claim.token, status=claim.ownership.value, expires_at=claim.expires_at
        ),
        deployment=_deployment(claim),
        checks=[shapes.Check(at=claim.checked_at, text=claim.seen)] if claim.checked_at is not None else [],
    )


def _records(claim: Claim) -> list[shapes.Record]:
    """Needed records beside the token; `yours` marks those that the owner sets."""
    found = [*map(found_from, claim.found)]
    found += [Found()] * (len(claim.records) - len(found))
    return [
        shapes.Record(
            type=record.type,
            name=record.name,
            value=value.partition(" ")[2] if record.type == "MX" else value,
            priority=int(value.partition(" ")[0]) if record.type == "MX" else None,
            purpose=record.purpose.value,
            status=one.status,
            fix=one.fix or None,
            yours=claim.dns != "delegated" or record.purpose in _THEIRS,
        )
        for record, one in zip(map(record_from, claim.records), found, strict=True)
        if record.purpose is not Purpose.OWNERSHIP
        for value in record.values
    ]


def _deployment(claim: Claim) -> shapes.Deployment:
    if claim.status is Status.FAILED:
        return shapes.Deployment(
            state="failed", wanted=claim.wanted, deployed=claim.deployed, reason=claim.failure or None
        )
    if claim.ownership is Ownership.CLAIMED:
        return shapes.Deployment(state="none", wanted=0, deployed=0)
    state: shapes.DeploymentState = (
        "done" if claim.wanted == claim.deployed else "running" if claim.running else "waiting"
    )
    return shapes.Deployment(state=state, wanted=claim.wanted, deployed=claim.deployed)


def address_setting(entry: AddressEntry) -> shapes.Setting:
    """An address, as the first version of the API lists it."""
    return shapes.Setting(
        type=SettingType.EMAIL_ADDRESS,
        id=entry.id,
        org_id=entry.organization,
        value=entry.address,
        name=entry.name or None,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
        created_by=entry.created_by,
        updated_by=entry.updated_by,
        revision=entry.revision,
    )


def setting(entry: Setting) -> shapes.Setting:
    """A signature, an allowed recipient, or the time for repeated mail."""
    return shapes.Setting(
        type=SettingType(entry.kind.value),
        id=entry.id,
        org_id=entry.organization,
        value=entry.value,
        name=entry.name or None,
        html=entry.html or None,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
        created_by=entry.created_by,
        updated_by=entry.updated_by,
        revision=entry.revision,
    )


def email_address(entry: AddressEntry) -> shapes.EmailAddress:
    """An address."""
    return shapes.EmailAddress(
        id=entry.id,
        address=entry.address,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
        created_by=entry.created_by,
        updated_by=entry.updated_by,
        name=entry.name or None,
        user_ids=list(entry.user_ids),
        group_ids=list(entry.group_ids),
        default_signature_id=entry.default_signature_id or None,
        shared_inbox_id=entry.shared_inbox_id or None,
        is_active=entry.active,
        is_primary=entry.primary,
        is_epilot_email_address=False,
    )
