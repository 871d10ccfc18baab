"""Requests and answers of the API, with the fields of the clients' definitions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from constructs_lib import names, values

__all__ = [
    "Check",
    "CreateEmailAddress",
    "Deployment",
    "Domain",
    "EmailAddress",
    "ErrorResponse",
    "NamedAddress",
    "NamedSetting",
    "Ownership",
    "Record",
    "Setting",
    "SettingBody",
    "SettingType",
    "UpdateEmailAddress",
]

_MOST_IDS: Final = 100
_ID_CHARACTERS: Final = 128
_TEXT_CHARACTERS: Final = 64 * 1024


class SettingType(StrEnum):
    """Kinds of settings."""

    SIGNATURE = "signature"
    EMAIL_DOMAIN = "email_domain"
    EMAIL_ADDRESS = "email_address"
    ALLOWED_RECIPIENT = "whitelist_email_address"
    REPEATED_WITHIN = "restrict_duplicates_within"


def address(value: str) -> str:
    """An address that sends and receives, both parts in their normal form. Raises RuleError."""
    local, _, domain = names.mailbox(value).rpartition("@")
    return f"{names.receiving_local_part(local)}@{domain}"


def shown_name(value: str) -> str:
    """A display name, or "". Raises RuleError."""
    return values.display_name(names.literal(value)) if value else ""


def plain_id(value: str) -> str:
    """An id of the application's own. Raises ValueError."""
    if not value.isprintable():
        raise ValueError("must have no control characters; remove them")
    return value


def _text(rule: Callable[[str], str], most: int = 512) -> Any:
    return (Field(max_length=most), AfterValidator(rule))


RecordStatus = Literal["ok", "pending", "missing", "wrong", "unknown"]
DeploymentState = Literal["none", "waiting", "running", "done", "failed"]
Dns = Literal["delegated", "self-managed"]
DomainName = Annotated[str, *_text(names.tenant_subdomain)]
AnyDomainName = Annotated[str, *_text(names.domain_name)]
Address = Annotated[str, *_text(address)]
Name = Annotated[str, *_text(shown_name)]
Id = Annotated[str, *_text(plain_id, _ID_CHARACTERS)]
Ids = Annotated[list[Id], Field(max_length=_MOST_IDS)]
Text = Annotated[str, Field(max_length=_TEXT_CHARACTERS)]


class _Taken(BaseModel):
    """A request. Unknown fields are ignored, because the clients' definitions allow them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Domain(_Taken):
    """A domain to add: a subdomain of a domain that the organisation owns."""

    domain: DomainName = Field(examples=["mail.example.com"])
    dns: Dns | None = Field(
        default=None,
        description="delegated: a zone of ours has the records. self-managed: the owner sets them. Default: delegated.",
    )


class KnownDomain(_Taken):
    """An added domain."""

    domain: AnyDomainName = Field(examples=["mail.example.com"])


class SettingBody(_Taken):
    """A setting. Its type decides which fields count."""

    type: SettingType
    name: Text | None = None
    value: Text | None = None
    html: Text | None = None


class NamedSetting(_Taken):
    """The type and id of a setting."""

    type: SettingType
    id: Id


class NamedAddress(_Taken):
    """One address."""

    address: Address = Field(examples=["sales@mail.example.com"])


class UpdateEmailAddress(_Taken):
    """The changes of an address. A missing or null field changes nothing."""

    name: Name | None = None
    user_ids: Ids | None = None
    group_ids: Ids | None = None
    default_signature_id: Id | None = None
    shared_inbox_id: Id | None = None
    is_active: bool | None = None


class CreateEmailAddress(_Taken):
    """An address to add."""

    address: Address = Field(examples=["sales@mail.example.com"])
    name: Name | None = None
    user_ids: Ids | None = None
    group_ids: Ids | None = None
    default_signature_id: Id | None = None
    shared_inbox_id: Id | None = None


class _Given(BaseModel):
    """An answer, without the fields that have no value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]
        return {name: value for name, value in handler(self).items() if value is not None}


class Record(_Given):
    """A DNS record to set."""

    type: str
    name: str
    value: str
    purpose: str
    status: RecordStatus
    priority: int | None = None
    fix: str | None = None
    yours: bool = Field(default=True, description="Whether the domain's owner sets it. If not, a zone of ours has it.")


class Ownership(_Given):
    """The proof of the domain: a TXT record at every name server."""

    name: str
    type: Literal["TXT"] = "TXT"
    value: str
    status: Literal["claimed", "proven", "suspended", "leaving"]
    expires_at: datetime | None = None


class Deployment(_Given):
    """The state of the infrastructure, with its wanted and its deployed revision."""

    state: DeploymentState
    wanted: int
    deployed: int
    reason: str | None = None


class Check(_Given):
    """The result of the last DNS check."""

    at: datetime
    text: str
    name_servers: list[str] | None = None


class Setting(_Given):
    """A setting. A domain also has the fields from `status` on."""

    type: SettingType
    id: str
    org_id: str
    value: str | None = None
    name: str | None = None
    html: str | None = None
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str
    revision: int = Field(description="Revision for If-Match, which has it in double quotes.")
    status: (
        Literal["claimed", "proven", "deploying", "awaiting_dns", "active", "failed", "suspended", "leaving"] | None
    ) = None
    dns: Dns | None = None
    name_servers: list[str] | None = None
    records: list[Record] | None = None
    ownership: Ownership | None = None
    deployment: Deployment | None = None
    checks: list[Check] | None = None


class EmailAddress(_Given):
    """An address of the organisation."""

    id: str
    address: str
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str
    name: str | None = None
    user_ids: list[str]
    group_ids: list[str]
    default_signature_id: str | None = None
    shared_inbox_id: str | None = None
    is_active: bool
    is_primary: bool
    is_epilot_email_address: bool


class Fault(BaseModel):
    """One fault of a request."""

    field: str
    detail: str


class ErrorResponse(BaseModel):
    """Problem details (RFC 9457), which are the clients' ErrorResponse, too."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    errors: list[Fault] | None = None
