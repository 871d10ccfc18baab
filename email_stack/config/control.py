"""The config of a cell's settings API: the tokens of its users."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from email_stack.config.problems import RuleError
from email_stack.config.values import Settings

__all__ = ["Control"]

_MOST_CHARACTERS = 300


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
        default="gateway",
        description="gateway: API Gateway refuses tokens before the function is called, and knows RSA signatures alone. function: "
        "only the function judges. Default: gateway.",
    )
