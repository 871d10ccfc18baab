"""The config of a cell's settings API: the tokens of its users, and its domain name."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from email_stack.config.problems import RuleError
from email_stack.config.values import CertificateArn, DomainName, HostedZoneId, Settings

__all__ = ["API_REQUESTS_A_SECOND", "Control", "ControlDomain"]

API_REQUESTS_A_SECOND: Final = 50
"""Of all organisations together, after a burst of twice as many; each has limits of its own, too."""
_MOST_CHARACTERS: Final = 300
_MOST_ORIGINS: Final = 20
_ORIGIN: Final = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::[0-9]{1,5})?|http://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?"
)


def _issuer(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise RuleError.one("must be an https URL in ASCII", 'write it as "https://login.acme.example"')
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme != "https" or parts.query or parts.fragment or "@" in parts.netloc:
        raise RuleError.one(
            "must be an https URL without query, fragment and user",
            'write it as tokens have it in "iss", such as "https://login.acme.example"',
        )
    return value


def _word(value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise RuleError.one("must be printable ASCII without spaces", "write it as tokens have it")
    return value


_Word = Annotated[
    str,
    Field(max_length=_MOST_CHARACTERS),
    AfterValidator(_word),
    WithJsonSchema({"type": "string", "pattern": r"^[!-~]+$", "maxLength": _MOST_CHARACTERS}),
]


def _origin(value: str) -> str:
    """An origin as browsers send it. Source: RFC 6454, 6.2: without path, in lower case."""
    if not _ORIGIN.fullmatch(value):
        raise RuleError.one(
            "must be an origin as browsers send it: https, host and port alone; http only for localhost",
            'write it as "https://portal.acme.example"',
        )
    return value


def _few(origins: tuple[str, ...]) -> tuple[str, ...]:
    if len(origins) > _MOST_ORIGINS:
        raise RuleError.one(f"must be at most {_MOST_ORIGINS} origins, are {len(origins)}", "remove some")
    return origins


_Origin = Annotated[
    str,
    AfterValidator(_origin),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$",
            "examples": ["https://portal.acme.example"],
        }
    ),
]


class ControlDomain(Settings):
    """A domain name of ours under which the API answers."""

    domain_name: DomainName = Field(description="Domain name of the API, such as settings.acme.example.")
    certificate_arn: CertificateArn = Field(
        description="ARN of a certificate for it in ACM, in the cell's region and account."
    )
    hosted_zone_id: HostedZoneId | None = Field(
        default=None,
        description="Id of the public hosted zone, in the cell's account, that gets its alias record. Default: none, the zone's "
        "owner sets a CNAME to the output ApiDomainTarget.",
    )


class Control(Settings):
    """The settings API, with which customers bring their domains. At most one cell has it, since one table holds all names."""

    issuer: Annotated[
        str,
        Field(max_length=_MOST_CHARACTERS),
        AfterValidator(_issuer),
        WithJsonSchema(
            {
                "type": "string",
                "pattern": r"^https://[!-~]+$",
                "maxLength": _MOST_CHARACTERS,
                "examples": ["https://login.acme.example"],
            }
        ),
    ] = Field(description="URL of the OpenID issuer of the users' tokens, as in their claim iss.")
    audience: _Word = Field(description="Required value of the tokens' claim aud.")
    organization_claim: _Word = Field(
        default="org_id", description="Claim of the tokens that names the user's organisation. Default: org_id."
    )
    authorizer: Literal["gateway", "function"] = Field(
        default="function",
        description="function: the function judges all tokens, and each refusal is a problem of the API's. gateway: API Gateway "
        "judges before it, knows RSA signatures alone, and its 401 and 403 have a body of its own. Default: function.",
    )
    allowed_origins: Annotated[tuple[_Origin, ...], AfterValidator(_few)] = Field(
        default=(), description="Origins whose pages may call the API from a browser. Default: none."
    )
    domain: ControlDomain | None = Field(
        default=None, description="A domain name of ours for the API. Default: none, only API Gateway's own."
    )
