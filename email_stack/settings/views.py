"""Settings as the API gives them. Pure."""

from __future__ import annotations

from email_stack.settings import shapes
from email_stack.settings.ownership import ownership_name
from email_stack.settings.shapes import SettingType
from mailroom.settings.claims import Claim, Ownership, Status
from mailroom.settings.entries import AddressEntry, Setting

__all__ = ["address_setting", "domain_setting", "email_address", "setting"]


def domain_setting(claim: Claim) -> shapes.Setting:
    """A domain, with what to set in DNS and how far it is."""
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
        name_servers=[],
        records=[record],
        ownership=shapes.Ownership(
            name=record.name, value=claim.token, status=claim.ownership.value, expires_at=claim.expires_at
        ),
        deployment=_deployment(claim),
        checks=[shapes.Check(at=claim.checked_at, text=claim.seen)] if claim.checked_at is not None else [],
    )


def _deployment(claim: Claim) -> shapes.Deployment:
    if claim.status is Status.FAILED:
        return shapes.Deployment(
            state="failed", wanted=claim.wanted, deployed=claim.deployed, reason=claim.failure or None
        )
    if claim.ownership is Ownership.CLAIMED:
        return shapes.Deployment(state="none", wanted=0, deployed=0)
    done = claim.wanted == claim.deployed
    return shapes.Deployment(state="done" if done else "waiting", wanted=claim.wanted, deployed=claim.deployed)


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
