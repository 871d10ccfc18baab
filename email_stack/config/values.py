"""The types of single values: each checks, normalizes, and describes itself in the JSON schema."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema, field_validator

from constructs_lib import names, values
from email_stack.config.problems import Fault, RuleError, closest
from email_stack.config.regions import RECEIVING_REGIONS

__all__ = [
    "Account",
    "CertificateArn",
    "DisplayName",
    "DomainName",
    "HostedZoneId",
    "Identifier",
    "KeyArn",
    "Label",
    "LocalPart",
    "Mailbox",
    "Mailboxes",
    "Region",
    "RoleArn",
    "RoleLocalParts",
    "Settings",
    "Subdomain",
    "Tags",
]

T = TypeVar("T")

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_MAX_TAGS: Final = 40
"""S3 and SES allow 50 for each resource: ten remain for the platform's own."""
_RESERVED_TAGS: Final = ("cell", "tenant")


class Settings(BaseModel):
    """The base of all models of the config: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    def to(self, kind: Callable[..., T]) -> T:
        """The section as the dataclass of `constructs_lib` with the same fields."""
        return kind(**dict(self))

    @field_validator("*", mode="before")
    @classmethod
    def _stays_as_it_is(cls, value: Any) -> Any:
        """Check that text has no unresolved token. Items of lists and tags have checks of their own."""
        return names.literal(value) if isinstance(value, str) else value


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise RuleError.one("must be the 12 digits of an AWS account", 'write them in quotes, as in "123456789012"')
    return value


def _region(value: str) -> str:
    if value not in RECEIVING_REGIONS:
        near = closest(value, RECEIVING_REGIONS)
        use = f'use "{near}"' if near else f"use one of {', '.join(RECEIVING_REGIONS)}"
        raise RuleError.one("must be a region where SES receives mail", use)
    return value


def _distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse repeated items, without regard to case."""
    seen: dict[str, int] = {}
    faults = []
    for index, value in enumerate(items):
        first = seen.setdefault(value.lower(), index)
        if first != index:
            faults.append(Fault(f"must not repeat item {first + 1}", "remove it", (index,)))
    if faults:
        raise RuleError(*faults)
    return items


def _tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """AWS's limits for tags: AWS general reference, "Tagging AWS resources". IAM compares keys without case."""
    faults = []
    seen: set[str] = set()
    for key, value in tags.items():
        lower = key.lower()
        if not 1 <= len(key) <= 128:
            faults.append(Fault(f"must have a key of 1 to 128 characters, has {len(key)}", "shorten it", (key,), key))
        if len(value) > 256:
            faults.append(Fault(f"must be at most 256 characters, is {len(value)}", "shorten it", (key,)))
        if lower.startswith("aws:"):
            faults.append(Fault("must not start with aws:, which AWS keeps for itself", "rename the tag", (key,), key))
        if lower in _RESERVED_TAGS:
            faults.append(Fault("must not be a tag that the platform sets itself", "rename the tag", (key,), key))
        if lower in seen:
            faults.append(Fault("must differ from other keys by more than case", "keep one of them", (key,), key))
        seen.add(lower)
        faults += [
            Fault("must be letters, digits, spaces and _.:/=+-@", "remove other characters", (key,), text)
            for text in (key, value)
            if not all(map(_in_tags, text))
        ]
    if len(tags) > _MAX_TAGS:
        faults.append(Fault(f"must be at most {_MAX_TAGS} tags, are {len(tags)}", "remove some"))
    if faults:
        raise RuleError(*faults)
    return tags


def _in_tags(character: str) -> bool:
    return (
        character in "_.:/=+-@" or unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "Zs"
    )


def _described(pattern: str | None = None, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string"} | ({"pattern": f"^{pattern}$"} if pattern else {}) | more)


def _check(rule: Callable[[T], T]) -> AfterValidator:
    return AfterValidator(rule)


_NAME_IN_EDITORS: Final = r"[^\s@/:_*]+"
"""The rules for names that a pattern can hold. `load` checks the other rules of DNS and IDNA."""

Identifier = Annotated[
    str, _check(values.identifier), _described(r"[a-z](?:-?[a-z0-9])*", minLength=2, maxLength=32, examples=["acme"])
]
Account = Annotated[str, _check(_account), _described(r"[0-9]{12}", examples=["123456789012"])]
Region = Annotated[str, _check(_region), _described(enum=list(RECEIVING_REGIONS))]
DomainName = Annotated[
    str, _check(names.domain_name), _described(_NAME_IN_EDITORS, maxLength=254, examples=["acme.example"])
]
Subdomain = Annotated[
    str, _check(names.tenant_subdomain), _described(_NAME_IN_EDITORS, maxLength=210, examples=["post.acme.example"])
]
Label = Annotated[str, _check(names.label), _described(r"[^\s@/:_*.]+", maxLength=63, examples=["mail"])]
LocalPart = Annotated[
    str, _check(names.local_part), _described(names.LOCAL_PART_PATTERN, maxLength=64, examples=["support"])
]
RoleLocalParts = Annotated[
    tuple[Annotated[str, _check(names.receiving_local_part), _described(names.LOCAL_PART_PATTERN, maxLength=64)], ...],
    _check(_distinct),
]
Mailbox = Annotated[
    str, _check(names.mailbox), _described(r"[^\s@]+@[^\s@]+", maxLength=254, examples=["ops@acme.example"])
]
Mailboxes = Annotated[tuple[Mailbox, ...], _check(_distinct)]
HostedZoneId = Annotated[
    str, _check(values.hosted_zone_id), _described(r"Z[A-Z0-9]{1,31}", examples=["Z0123456789ABCDEFGHIJ"])
]
KeyArn = Annotated[
    str,
    _check(values.key_arn),
    _described(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+",
        examples=["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    ),
]
CertificateArn = Annotated[
    str,
    _check(values.certificate_arn),
    _described(
        r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+",
        examples=["arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"],
    ),
]
RoleArn = Annotated[
    str,
    _check(values.role_arn),
    _described(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+", examples=["arn:aws:iam::123456789012:role/dns-delegation"]),
]
OwnershipToken = Annotated[
    str,
    _check(values.ownership_token),
    _described(r"email-claim=[0-9a-f]{32}", examples=["email-claim=0123456789abcdef0123456789abcdef"]),
]
DisplayName = Annotated[
    str, _check(values.display_name), _described(minLength=1, maxLength=128, examples=["Acme Support"])
]
Tags = Annotated[Mapping[str, str], _check(_tags)]
