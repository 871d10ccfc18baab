"""The tenant of a bucket, as tags of the bucket. Pure.

The scanner of a cell serves buckets that it does not know beforehand. Only a deployment writes their tags, and there is no registry
to keep in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mailroom.scanning.active.risks import CLASSES, OFF, ActiveContent, Reaction
from mailroom.scanning.verdicts import Action, Policy

__all__ = ["POLICY_TAG", "Recipient", "recipient_from", "tags_of"]

TENANT_TAG: Final = "mail-scanning:tenant"
TOPIC_TAG: Final = "mail-scanning:topic"
POLICY_TAG: Final = "mail-scanning:policy"
OBJECTS_TAG: Final = "mail-scanning:objects"
_FILES: Final = "files"
_VERDICTS: Final = {"clean": "clean", "infected": "infected", "encrypted": "encrypted", "over-limit": "over_limit"}
_ENCRYPTED_MAIL: Final = "encrypted-mail"
_UNAUTHENTICATED: Final = "unauthenticated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """The tenant of a quarantine.

    Args:
        tenant: its id.
        policy: action for each verdict.
        topic_arn: topic for alerts to its operators.
        mail: whether each object is a message, as in a tenant's inbox. Default: False, for files of any kind.
    """

    tenant: str
    policy: Policy
    topic_arn: str
    mail: bool = False


def tags_of(recipient: Recipient) -> dict[str, str]:
    """The tags of a recipient, in characters that each tag may have."""
    policy = " ".join(f"{name}={getattr(recipient.policy, key).value}" for name, key in _VERDICTS.items())
    if recipient.policy.encrypted_mail is not None:
        policy += f" {_ENCRYPTED_MAIL}={recipient.policy.encrypted_mail.value}"
    if recipient.policy.active_content != OFF:
        policy += "".join(f" {risk.value}={recipient.policy.active_content.on(risk).value}" for risk in CLASSES)
    if recipient.policy.unauthenticated is not Reaction.DELIVER:
        policy += f" {_UNAUTHENTICATED}={recipient.policy.unauthenticated.value}"
    said = {TENANT_TAG: recipient.tenant, TOPIC_TAG: recipient.topic_arn, POLICY_TAG: policy}
    # Inboxes are older than this tag, and have none.
    return said if recipient.mail else {**said, OBJECTS_TAG: _FILES}


def recipient_from(tags: Mapping[str, str]) -> Recipient:
    """The recipient of a bucket's tags.

    Raises:
        ValueError: a tag is missing, or has an invalid policy.
    """
    missing = [tag for tag in (TENANT_TAG, TOPIC_TAG, POLICY_TAG) if not tags.get(tag)]
    if missing:
        raise ValueError(f"tag {missing[0]} is missing")
    said = dict(pair.partition("=")[::2] for pair in tags[POLICY_TAG].split())
    mail = said.pop(_ENCRYPTED_MAIL, None)
    unauthenticated = Reaction(said.pop(_UNAUTHENTICATED, Reaction.DELIVER))
    # Buckets from before this check lack the words, and keep their behaviour.
    reactions = {risk.value.replace("-", "_"): Reaction(said.pop(risk.value, Reaction.DELIVER)) for risk in CLASSES}
    if said.keys() != _VERDICTS.keys():
        raise ValueError(f"tag {POLICY_TAG} must name {', '.join(_VERDICTS)}, got {tags[POLICY_TAG]!r}")
    verdicts = {key: Action(said[name]) for name, key in _VERDICTS.items()}
    return Recipient(
        tenant=tags[TENANT_TAG],
        topic_arn=tags[TOPIC_TAG],
        policy=Policy(
            **verdicts,
            encrypted_mail=None if mail is None else Action(mail),
            active_content=ActiveContent(**reactions),
            unauthenticated=unauthenticated,
        ),
        mail=tags.get(OBJECTS_TAG) != _FILES,
    )
