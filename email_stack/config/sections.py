"""The sections of a tenant."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from constructs_lib import names, values
from constructs_lib.records import CLOUDFRONT_HOSTED_ZONE_ID, DmarcPolicy
from constructs_lib.sections import SuppressedAddresses
from constructs_lib.values import MIRROR_URL
from email_stack.config.problems import Fault, RuleError
from email_stack.config.values import (
    DisplayName,
    DomainName,
    HostedZoneId,
    KeyArn,
    LocalPart,
    Mailboxes,
    RoleArn,
    Settings,
)
from mailroom.scanning.active.risks import PRESETS, Reaction
from mailroom.scanning.active.risks import ActiveContent as Reactions
from mailroom.scanning.verdicts import Action, Policy

__all__ = [
    "Access",
    "ActiveContent",
    "Address",
    "AddressItem",
    "Dmarc",
    "Encryption",
    "MtaSts",
    "ParentZone",
    "Portal",
    "Receiving",
    "Removal",
    "Retention",
    "ScannerSettings",
    "Scanning",
    "ScanningItem",
    "Tracking",
]

Removal = Literal["retain", "destroy"]


class ParentZone(Settings):
    """A hosted zone of ours above the subdomain, into which the NS record is written."""

    hosted_zone_id: HostedZoneId = Field(description="Id of the parent's hosted zone in Route 53.")
    zone_name: DomainName = Field(description="Its domain name; the subdomain is below it, at any depth.")
    delegation_role_arn: RoleArn | None = Field(
        default=None,
        description="Role in the zone's account that may write NS records. Only for a zone in another account. Default: none.",
    )


def _one_at_least(may: tuple[str, ...]) -> tuple[str, ...]:
    if not may:
        raise RuleError.one(
            "must name at least one of read, send, addresses and held, got []", "write it as may: [read]"
        )
    return may


class Access(Settings):
    """The role of an application, and its permissions for the tenant's mail."""

    role_arn: RoleArn = Field(
        description="ARN of an existing role in the cell's account; the tenant's stack gives it an inline policy.",
        examples=["arn:aws:iam::123456789012:role/support-inbox"],
    )
    may: Annotated[tuple[Literal["read", "send", "addresses", "held"], ...], AfterValidator(_one_at_least)] = Field(
        json_schema_extra={"minItems": 1},
        description="read: mail and addresses. send: the outbox. addresses: the address book alone. held: the mail in "
        "quarantine, and requests to release or discard it.",
    )


class Address(Settings):
    """One designated address of the subdomain."""

    local_part: LocalPart = Field(description="The part before the @. Kept in lower case.")
    send: bool = Field(default=True, description="May send. Default: true.")
    receive: bool = Field(default=True, description="Receives; a local part with a + cannot. Default: true.")
    display_name: DisplayName | None = Field(default=None, description="Name shown beside the address. Default: none.")

    @model_validator(mode="after")
    def _is_of_use(self) -> Address:
        if not self.send and not self.receive:
            raise RuleError.one("must send or receive", "set send or receive to true, or remove the address")
        if self.receive:
            try:
                names.receiving_local_part(self.local_part)
            except RuleError as error:
                fault = error.faults[0]
                raise RuleError(
                    Fault(fault.message, f"{fault.remedy}, or set receive: false", ("local_part",), self.local_part)
                ) from None
        return self


def _address_from_text(value: Any) -> Any:
    return {"local_part": value} if isinstance(value, str) else value


AddressItem = Annotated[Address, BeforeValidator(_address_from_text, json_schema_input_type=LocalPart | Address)]
"""An address, or its local part alone."""


class Dmarc(Settings):
    """The DMARC record: a policy for mail that fails authentication, and addresses for reports. Source: RFC 9989 4.7."""

    policy: DmarcPolicy = Field(default="quarantine", description="Policy for mail that fails. Default: quarantine.")
    rua: Annotated[Mailboxes, AfterValidator(values.report_addresses)] | None = Field(
        default=None,
        description="Addresses for aggregate reports; [] for none. An address outside the subdomain needs its domain's permission "
        "in DNS (RFC 9990 4). Default: postmaster@<subdomain> when the subdomain receives it, else none.",
    )


class MtaSts(Settings):
    """The TLS policy for servers that send to the subdomain. Source: RFC 8461 3.2."""

    policy_host: DomainName = Field(
        description="DNS name of a web server of yours that serves the policy as mta-sts.<subdomain>, with a certificate for that "
        "name.",
        examples=["d111111abcdef8.cloudfront.net"],
    )
    mode: Literal["testing", "enforce"] = Field(
        default="testing",
        description="testing: senders report failures of TLS. enforce: they do not deliver without TLS. Default: testing.",
    )
    max_age_days: int = Field(default=7, ge=1, le=365, description="Days that senders remember the policy. Default: 7.")


class Tracking(Settings):
    """Which events of outbound mail are recorded."""

    opens: bool = Field(default=True, description="Record when a mail is opened. Default: true.")
    clicks: bool = Field(default=True, description="Record when a link is followed. Default: true.")
    redirect_domain: DomainName | None = Field(
        default=None,
        description="Name below the subdomain that the image for opens comes from; not with clicks. Default: SES's own.",
    )
    suppressed_addresses: SuppressedAddresses = Field(
        default="hashed",
        description="Form of addresses with a bounce or complaint; hashed: a keyed digest. Default: hashed.",
    )


class Encryption(Settings):
    """A KMS key of yours. docs/constructs.md has the statements that its policy needs."""

    key_arn: KeyArn = Field(description="ARN of a symmetric key in the cell's region and account.")


class ScannerSettings(Settings):
    """The scanner functions of a cell: its own, and those of tenants with `scanning: dedicated`."""

    memory_mib: int = Field(
        default=3008,
        ge=2048,
        le=10_240,
        description="MiB of memory; from 4096 on, mail is scanned while newer definitions are loaded. Default: 3008.",
    )
    max_concurrency: int = Field(
        default=5,
        ge=2,
        le=1000,
        description="Messages that are scanned at once, and half as many slow ones. Default: 5.",
    )
    recall_days: int = Field(
        default=7,
        ge=0,
        le=30,
        description="Days that delivered mail is scanned again with newer definitions, and recalled when malware is found; 0 for "
        "none. Default: 7.",
    )
    definitions_source: str | None = Field(
        default=None,
        max_length=300,
        pattern=rf"^{MIRROR_URL}$",
        description="https URL of a private mirror of ClamAV's files, host and port alone, asked where database.clamav.net fails. "
        "Default: none.",
    )


_Preset = Literal["off", "standard", "strict"]
_Reaction = Literal["deliver", "flag", "strip", "hold"]


class ActiveContent(Settings):
    """The treatment of mail with attachments that run code: deliver, flag (deliver and note it), strip or hold."""

    preset: _Preset = Field(
        default="standard",
        description="Treatment of each class without its own: off delivers all, standard strips programs and flags the rest, "
        "strict strips all. Default: standard.",
    )
    programs: _Reaction | None = Field(
        default=None,
        description="Programs and scripts, and files with a name that Gmail or Outlook block. Default: by preset.",
    )
    macros: _Reaction | None = Field(default=None, description="Office documents with macros. Default: by preset.")
    web_scripts: _Reaction | None = Field(
        default=None, description="HTML and SVG files with script, but not a message's own text. Default: by preset."
    )
    onenote_files: _Reaction | None = Field(
        default=None, description="OneNote sections with files in them. Default: by preset."
    )
    pdf_actions: _Reaction | None = Field(
        default=None, description="PDF that starts programs or runs script. Default: by preset."
    )

    @property
    def reactions(self) -> Reactions:
        """The reactions in the scanner's own form."""
        said = self.model_dump(exclude={"preset"}, exclude_none=True)
        return replace(PRESETS[self.preset], **{name: Reaction(value) for name, value in said.items()})


def _active_content_from_text(value: Any) -> Any:
    return {"preset": value} if isinstance(value, str) else value


ActiveContentItem = Annotated[
    ActiveContent, BeforeValidator(_active_content_from_text, json_schema_input_type=_Preset | ActiveContent)
]
"""Treatment of active content, or its preset alone."""


class Scanning(Settings):
    """The treatment of a message by the verdict of the virus scan. No policy delivers on `error`."""

    mode: Literal["shared", "dedicated"] = Field(
        default="shared", description="The cell's scanner, or one of the tenant's own. Default: shared."
    )
    clean: Literal["deliver", "hold"] = Field(default="deliver", description="Nothing was found. Default: deliver.")
    infected: Literal["strip", "hold", "delete"] = Field(
        default="strip",
        description="Malware was found: strip delivers the message without it, hold keeps it in quarantine. Default: strip.",
    )
    encrypted: Literal["deliver", "strip", "hold", "delete"] = Field(
        default="hold", description="An attachment is encrypted or unscannable. Default: hold."
    )
    over_limit: Literal["deliver", "strip", "hold", "delete"] = Field(
        default="hold", description="An attachment is too big or too deep to scan. Default: hold."
    )
    encrypted_mail: Literal["deliver", "hold"] | None = Field(
        default=None,
        description="Mail encrypted by S/MIME or OpenPGP, which its recipient alone can decrypt. Default: as encrypted.",
    )
    active_content: ActiveContentItem = Field(
        default=ActiveContent(),
        description="Attachments that run code: a preset (off, standard, strict), or a treatment of each class. "
        "Default: standard.",
    )
    error: Literal["hold"] = Field(
        default="hold", description="The scan failed: the message is held, with an alarm. Default: hold."
    )

    @property
    def policy(self) -> Policy:
        """The policy in the scanner's own form."""
        return Policy(
            clean=Action(self.clean),
            infected=Action(self.infected),
            encrypted=Action(self.encrypted),
            over_limit=Action(self.over_limit),
            encrypted_mail=None if self.encrypted_mail is None else Action(self.encrypted_mail),
            active_content=self.active_content.reactions,
        )


class Receiving(Settings):
    """The treatment of mail by its DMARC result."""

    unauthenticated: Literal["deliver", "flag", "hold"] = Field(
        default="flag",
        description="Mail that fails a DMARC policy of quarantine or reject: flag delivers it and notes it, hold keeps it in "
        "quarantine. Default: flag.",
    )


def _scanning_from_text(value: Any) -> Any:
    return {"mode": value} if isinstance(value, str) else value


ScanningItem = Annotated[
    Scanning,
    BeforeValidator(_scanning_from_text, json_schema_input_type=Literal["shared", "dedicated"] | Scanning),
]
"""Scanning, or its mode alone."""


class Retention(Settings):
    """How long mail is kept, in days."""

    raw_days: int = Field(
        default=90,
        ge=1,
        le=values.MOST_RAW_DAYS,
        description="Days that mail is kept in quarantine, held or not. Default: 90.",
    )
    messages_days: int | None = Field(
        default=None,
        ge=1,
        le=values.MOST_MESSAGES_DAYS,
        description="Days that delivered messages and attachments are kept; null for no limit. Default: null.",
    )


class Portal(Settings):
    """A web site at the subdomain itself, by an alias record beside its MX."""

    target: DomainName = Field(
        description="DNS name of a CloudFront distribution or of a load balancer.",
        examples=["d111111abcdef8.cloudfront.net"],
    )
    hosted_zone_id: HostedZoneId = Field(
        default="",
        validate_default=True,
        description="The target's own zone id, from its AWS service. Default: CloudFront's; needed for any other target.",
    )
    ipv6: bool = Field(default=True, description="Also write the AAAA alias. Default: true.")

    @field_validator("hosted_zone_id", mode="before")
    @classmethod
    def _zone_of_target(cls, value: Any, info: ValidationInfo) -> Any:
        target = info.data.get("target")
        if target is None:  # not valid: it has a problem of its own
            return value or CLOUDFRONT_HOSTED_ZONE_ID
        if not names.is_below(target, "cloudfront.net") and not value:
            raise RuleError(
                Fault(
                    "is needed for a target outside cloudfront.net",
                    "write the load balancer's CanonicalHostedZoneId",
                    silent=True,
                )
            )
        return values.portal_zone(target, value or CLOUDFRONT_HOSTED_ZONE_ID)
