"""Configs of any kind, many features in each, near every limit: what `validate` may be given."""

from __future__ import annotations

from typing import Any, Final

from annotated_types import Le
from hypothesis import strategies as st

from email_stack.config import Quotas

__all__ = ["ROOMY", "configs"]

ROOMY: Final[dict[str, int]] = {
    name: min(one.le for one in field.metadata if isinstance(one, Le))  # type: ignore[type-var, misc]
    for name, field in Quotas.model_fields.items()
    if name != "recipients_per_rule"
}
"""Quotas that stand in nobody's way: what one tenant may be is to be found out."""

_LOCAL: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#%&'/=^_`{|}~-", min_size=1, max_size=64).filter(
    lambda text: "{{" not in text
)
_SHOWN: Final = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=128).filter(
    lambda text: not any(mark in text for mark in ("{{", "${", "#{"))
)
_MAILBOX: Final = st.builds("{}@{}".format, _LOCAL, st.sampled_from(["ops.example", "post.müller.example"]))
_MAILBOXES: Final = st.lists(_MAILBOX, max_size=12, unique_by=str.lower)
_TAGS: Final = st.dictionaries(
    st.text("abcXYZ09 _.:/=+-@ü", min_size=1, max_size=128).filter(
        lambda key: not key.lower().startswith("aws:") and key.lower() not in {"cell", "tenant"}
    ),
    st.text("abcXYZ09 _.:/=+-@ü", max_size=256),
    max_size=40,
).filter(lambda tags: len({key.lower() for key in tags}) == len(tags))


KEYS: Final = {
    "eu": "arn:aws:kms:eu-central-1:111111111111:key/11111111-1111-1111-1111-111111111111",
    "us": "arn:aws:kms:us-east-1:111111111111:key/22222222-2222-2222-2222-222222222222",
}


@st.composite
def _addresses(draw: st.DrawFn) -> list[Any]:
    found = draw(st.lists(_LOCAL, max_size=40, unique_by=str.lower))
    many = draw(st.sampled_from([0, 0, 101, 240]))
    names = [*found, *(f"branch-{number:03}" for number in range(many))]
    shown = draw(st.one_of(st.none(), _SHOWN))
    addresses: list[Any] = []
    for number, name in enumerate(dict.fromkeys(names)):
        sends = number < 60 and draw(st.booleans()) if number < 20 else number < 60
        one: dict[str, Any] = {"local_part": name, "send": sends, "receive": not sends or number % 2 == 0}
        addresses.append(one | ({"display_name": shown} if shown is not None else {}))
    return addresses


@st.composite
def _tenant(draw: st.DrawFn, number: int) -> dict[str, Any]:
    label = draw(st.sampled_from(["post", "9", "xn--mller-kva", "ü", "m" * 63]))
    domain = f"d{number}.example"
    subdomain = f"{label}.{domain}"
    delegated = draw(st.booleans())
    clicks = draw(st.booleans())
    portal = draw(
        st.sampled_from(
            [
                {"target": "D1.cloudfront.net", "ipv6": False},
                {"target": "lb.elb.amazonaws.com", "hosted_zone_id": "Z1"},
            ]
        )
    )
    parent = {"hosted_zone_id": "Z9", "zone_name": domain}
    if draw(st.booleans()):
        parent["delegation_role_arn"] = "arn:aws:iam::222222222222:role/path/" + "r" * 64
    cell = draw(st.sampled_from(["eu", "us"]))
    tenant: dict[str, Any] = {
        "id": draw(st.sampled_from([f"t{number}", f"t{number}" + "x" * 29])),
        "subdomain": subdomain,
        "cell": cell,
        "dns": "delegated" if delegated else "self-managed",
        "addresses": draw(_addresses()),
        "role_addresses": draw(st.lists(_LOCAL, max_size=5, unique_by=str.lower)),
        "catch_all": draw(st.booleans()),
        "dmarc": {"policy": draw(st.sampled_from(["none", "quarantine", "reject"])), "rua": draw(_MAILBOXES)},
        "mta_sts": {
            "policy_host": "web.example",
            "mode": draw(st.sampled_from(["testing", "enforce"])),
            "max_age_days": draw(st.sampled_from([1, 365])),
        },
        "mail_from": draw(st.sampled_from(["mail", "b" * 63, "ü"])),
        "alerts": draw(_MAILBOXES),
        "access": [
            {
                "role_arn": f"arn:aws:iam::111111111111:role/path/{number}{'r' * 60}",
                "may": ["read", "addresses", "held"],
            }
            for number in range(draw(st.sampled_from([0, 1, 3])))
        ],
        "tracking": {
            "opens": draw(st.booleans()),
            "clicks": clicks,
            "suppressed_addresses": draw(st.sampled_from(["hashed", "plain"])),
            **({} if clicks else {"redirect_domain": f"links.{subdomain}"}),
        },
        "scanning": {
            "mode": draw(st.sampled_from(["shared", "dedicated"])),
            "clean": draw(st.sampled_from(["deliver", "hold"])),
            "infected": draw(st.sampled_from(["strip", "hold", "delete"])),
            "encrypted": draw(st.sampled_from(["deliver", "strip", "hold", "delete"])),
            "over_limit": draw(st.sampled_from(["deliver", "strip", "hold", "delete"])),
            "error": "hold",
            "encrypted_mail": draw(st.sampled_from(["deliver", "hold"])),
            "active_content": draw(st.sampled_from(["off", "standard", "strict", {"macros": "hold"}])),
        },
        "receiving": {"unauthenticated": draw(st.sampled_from(["deliver", "flag", "hold"]))},
        "encryption": {"key_arn": KEYS[cell]},
        "retention": {
            "raw_days": draw(st.sampled_from([1, 3650])),
            "messages_days": draw(st.sampled_from([None, 1, 36_500])),
        },
        "join_threads_by": draw(st.lists(st.sampled_from(["thread-index", "subject"]), max_size=3)),
        "removal": draw(st.sampled_from(["retain", "destroy"])),
        "live": draw(st.booleans()),
        "settings": "git",
        "ownership": f"email-claim={'0' * 32}",
        "receiving_tls": draw(st.sampled_from(["require", "optional"])),
        "tags": draw(_TAGS),
        **({"portal": portal, "parent_zone": parent} if delegated else {}),
    }
    left_out = draw(st.sets(st.sampled_from(sorted(tenant.keys() - {"id", "subdomain", "cell", "dns"})), max_size=4))
    return {key: value for key, value in tenant.items() if key not in left_out}


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """Two cells and three tenants, any key of the schema in them."""
    scanner = {"memory_mib": draw(st.sampled_from([2048, 10_240])), "max_concurrency": draw(st.sampled_from([2, 1000]))}
    scanner["recall_days"] = draw(st.sampled_from([0, 30]))
    cells = {
        "eu": {
            "region": "eu-central-1",
            "alerts": draw(_MAILBOXES),
            "quotas": {**ROOMY, "recipients_per_rule": draw(st.sampled_from([20, 100, 500]))},
            "scanner": scanner,
            "removal": draw(st.sampled_from(["retain", "destroy"])),
            "control": {
                "issuer": "https://login.acme.example/realms/mail",
                "audience": "mail",
                "organization_claim": draw(st.sampled_from(["org_id", "https://acme.example/org"])),
                "authorizer": draw(st.sampled_from(["gateway", "function"])),
                "allowed_origins": draw(
                    st.sampled_from([[], ["https://portal.acme.example", "http://localhost:5173"]])
                ),
                "domain": {
                    "domain_name": "settings.acme.example",
                    "certificate_arn": f"arn:aws:acm:eu-central-1:111111111111:certificate/{'1' * 8}-1111-1111-1111-{'1' * 12}",
                    "hosted_zone_id": "Z0123456789",
                },
            },
        },
        "us": {
            "region": "us-east-1",
            "account": "111111111111",
            "quotas": ROOMY,
            "scanner": {**scanner, "definitions_source": "https://clamav.acme.example:8443"},
            "encryption": {"key_arn": KEYS["us"]},
        },
    }
    return {"cells": cells, "tenants": [draw(_tenant(number)) for number in range(3)]}
