"""Every change of a config: each key to every other sensible value, read off the models so that no key is forgotten."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from email_stack.config.models import Cell, Tenant
from email_stack.transitions import RiskKind

__all__ = ["Change", "changes", "keys"]

ROLE = "arn:aws:iam::222222222222:role/delegation"
PARENT = {"hosted_zone_id": "ZPARENT", "zone_name": "acme.example"}
FAR = {**PARENT, "delegation_role_arn": ROLE}
PORTAL = {"target": "d111111abcdef8.cloudfront.net"}
LB = {"target": "lb-1.eu-central-1.elb.amazonaws.com", "hosted_zone_id": "Z215JYRZR1TBD5"}
STS = {"policy_host": "d111111abcdef8.cloudfront.net"}
INBOX = {"role_arn": "arn:aws:iam::111111111111:role/inbox", "may": ["read"]}
DEEP = {"subdomain": "post.b.acme.example", "parent_zone": PARENT}
CONTROL: dict[str, Any] = {"issuer": "https://login.acme.example", "audience": "mail"}
ORIGIN, CERTIFICATE = (
    "https://portal.acme.example",
    "arn:aws:acm:eu-central-1:111111111111:certificate/11111111-1111-1111",
)
DOMAIN = {"domain_name": "settings.acme.example", "certificate_arn": f"{CERTIFICATE}-1111-111111111111"}
OTHER_NAME = {**CONTROL, "domain": {**DOMAIN, "domain_name": "api.acme.example"}}
OTHER_CERTIFICATE = {
    **CONTROL,
    "domain": {**OTHER_NAME["domain"], "certificate_arn": f"{CERTIFICATE}-1111-222222222222"},
}
OTHER_ZONE = {**CONTROL, "domain": {**OTHER_CERTIFICATE["domain"], "hosted_zone_id": "Z0123456789"}}
MANY = [f"a{number}" for number in range(1, 150)]
DATA, DELEGATION, EXPORT = RiskKind.DATA, RiskKind.DELEGATION, RiskKind.EXPORT
LEFT, QUEUE, RENAMED = RiskKind.LEFT, RiskKind.QUEUE, RiskKind.RENAMED
RETENTION, RULES, ZONE = RiskKind.RETENTION, RiskKind.RULES, RiskKind.ZONE


@dataclass(frozen=True)
class Change:
    """One change of a config, and what is found.

    Args:
        key: path of what changes, such as "tenant.dmarc.policy".
        after: settings of the tenant, or the cell, afterwards.
        before: those before. Default: none.
        refused: what is refused.
        told: what is told.
    """

    key: str
    after: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    refused: frozenset[RiskKind] = frozenset()
    told: frozenset[RiskKind] = frozenset()

    def __str__(self) -> str:
        return f"{self.key}:{_short(self.before)}-{_short(self.after)}"


def row(
    key: str,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
    refused: tuple[RiskKind, ...] = (),
    told: tuple[RiskKind, ...] = (),
) -> Change:
    """A change, shorter to write."""
    return Change(key, after, before or {}, frozenset(refused), frozenset(told))


def both(key: str, one: dict[str, Any], other: dict[str, Any]) -> tuple[Change, Change]:
    """A change that nothing is found of, and back again."""
    return row(key, other, one), row(key, one, other)


KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-1111-1111-1111-111111111111"

TENANT: tuple[Change, ...] = (
    row("tenant.subdomain", {"subdomain": "mail.acme.example"}, refused=(RENAMED,), told=(LEFT,)),
    row("tenant.subdomain", {"subdomain": "mail.acme.example"}, {"removal": "destroy"}, (RENAMED,), (LEFT,)),
    row("tenant.subdomain", {"subdomain": "mail.acme.example"}, {"dns": "self-managed"}, (RENAMED,)),
    row("tenant.subdomain", {"subdomain": "mail.acme.example"}, {"live": False}, told=(RENAMED, LEFT)),
    row("tenant.subdomain", {"subdomain": "mail.acme.example"}, {"parent_zone": FAR}, (RENAMED, EXPORT), (LEFT,)),
    row("tenant.dns", {"dns": "self-managed"}, refused=(ZONE,)),
    row("tenant.dns", {"dns": "self-managed"}, {"removal": "destroy"}, (ZONE,)),
    row("tenant.dns", {"dns": "self-managed", "parent_zone": None}, {"parent_zone": PARENT}, (ZONE,)),
    row("tenant.dns", {"dns": "self-managed", "parent_zone": None}, {"parent_zone": FAR}, (ZONE, EXPORT)),
    row("tenant.dns", {"dns": "self-managed", "portal": None}, {"portal": PORTAL}, (ZONE,)),
    row("tenant.dns", {"dns": "delegated"}, {"dns": "self-managed"}),
    row("tenant.parent_zone", {"parent_zone": PARENT}),
    row("tenant.parent_zone", {"parent_zone": FAR}),
    row("tenant.parent_zone", {"parent_zone": None}, {"parent_zone": PARENT}, (DELEGATION,)),
    row("tenant.parent_zone", {"parent_zone": None}, {"parent_zone": FAR}, (EXPORT,)),
    row("tenant.parent_zone.delegation_role_arn", {"parent_zone": PARENT}, {"parent_zone": FAR}, (EXPORT,)),
    row("tenant.parent_zone.delegation_role_arn", {"parent_zone": FAR}, {"parent_zone": PARENT}, (DELEGATION,)),
    row(
        "tenant.parent_zone.hosted_zone_id",
        {"parent_zone": {**PARENT, "hosted_zone_id": "ZOTHER"}},
        {"parent_zone": PARENT},
    ),
    row(
        "tenant.parent_zone.hosted_zone_id", {"parent_zone": {**FAR, "hosted_zone_id": "ZOTHER"}}, {"parent_zone": FAR}
    ),
    row("tenant.parent_zone.zone_name", {"parent_zone": {**PARENT, "zone_name": "b.acme.example"}}, DEEP),
    row("tenant.addresses", {"addresses": ["support", "billing"]}),
    row("tenant.addresses", {"addresses": ["billing", "support"]}),
    row("tenant.addresses", {"addresses": []}),
    row("tenant.addresses", {"addresses": MANY}),
    row("tenant.addresses", {"addresses": ["first", *MANY]}, {"addresses": MANY}, (RULES,)),
    row("tenant.addresses", {"addresses": [*MANY, "last"]}, {"addresses": MANY}),
    row("tenant.addresses", {"addresses": MANY[1:]}, {"addresses": MANY}),
    row("tenant.addresses.local_part", {"addresses": ["Help"]}),
    row("tenant.addresses.send", {"addresses": [{"local_part": "support", "send": False}]}),
    row("tenant.addresses.receive", {"addresses": [{"local_part": "support", "receive": False}]}),
    row("tenant.addresses.display_name", {"addresses": [{"local_part": "support", "display_name": "Help"}]}),
    row("tenant.role_addresses", {"role_addresses": []}),
    row("tenant.role_addresses", {"role_addresses": ["postmaster", "abuse", "hostmaster"]}),
    row(
        "tenant.role_addresses",
        {"role_addresses": ["postmaster", "abuse", "dns"], "addresses": MANY},
        {"addresses": MANY},
        (RULES,),
    ),
    *both("tenant.catch_all", {"catch_all": False}, {"catch_all": True}),
    row("tenant.catch_all", {"catch_all": False, "addresses": MANY}, {"catch_all": True, "addresses": MANY}, (RULES,)),
    row("tenant.catch_all", {"catch_all": True, "addresses": MANY}, {"addresses": MANY}),
    row("tenant.dmarc.rua", {"dmarc": {"rua": []}}),
    row("tenant.dmarc.rua", {"dmarc": {"rua": ["dmarc@reports.example"]}}),
    row("tenant.mta_sts", {"mta_sts": STS}),
    row("tenant.mta_sts", {"mta_sts": None}, {"mta_sts": STS}),
    row("tenant.mta_sts.policy_host", {"mta_sts": {"policy_host": "www.acme.example"}}, {"mta_sts": STS}),
    row("tenant.mta_sts.mode", {"mta_sts": {**STS, "mode": "enforce"}}, {"mta_sts": STS}),
    row("tenant.mta_sts.max_age_days", {"mta_sts": {**STS, "max_age_days": 30}}, {"mta_sts": STS}),
    row("tenant.mail_from", {"mail_from": "bounce"}),
    *both("tenant.access.role_arn", {"access": [INBOX]}, {"access": [{**INBOX, "role_arn": f"{INBOX['role_arn']}2"}]}),
    row("tenant.access.may", {"access": [{**INBOX, "may": ["read", "held"]}]}, {"access": [INBOX]}),
    *both("tenant.alerts", {"alerts": ["a@ops.example"]}, {"alerts": ["b@ops.example", "c@ops.example"]}),
    row(
        "tenant.tracking.redirect_domain", {"tracking": {"clicks": False, "redirect_domain": "links.post.acme.example"}}
    ),
    row(
        "tenant.tracking.redirect_domain",
        {"tracking": {"clicks": False}},
        {"tracking": {"clicks": False, "redirect_domain": "links.post.acme.example"}},
    ),
    row("tenant.scanning.mode", {"scanning": "dedicated"}, told=(QUEUE,)),
    row("tenant.scanning.mode", {"scanning": "shared"}, {"scanning": "dedicated"}, told=(QUEUE,)),
    row("tenant.scanning.encrypted_mail", {"scanning": {"encrypted_mail": "deliver"}}),
    row("tenant.scanning.active_content.preset", {"scanning": {"active_content": "strict"}}),
    row("tenant.scanning.active_content.programs", {"scanning": {"active_content": {"programs": "hold"}}}),
    row("tenant.scanning.active_content.macros", {"scanning": {"active_content": {"macros": "strip"}}}),
    row("tenant.scanning.active_content.web_scripts", {"scanning": {"active_content": {"web_scripts": "hold"}}}),
    row("tenant.scanning.active_content.onenote_files", {"scanning": {"active_content": {"onenote_files": "hold"}}}),
    row("tenant.scanning.active_content.pdf_actions", {"scanning": {"active_content": {"pdf_actions": "deliver"}}}),
    row("tenant.receiving.unauthenticated", {"receiving": {"unauthenticated": "hold"}}),
    row("tenant.encryption.key_arn", {"encryption": {"key_arn": KEY}}),
    row("tenant.encryption.key_arn", {"encryption": None}, {"encryption": {"key_arn": KEY}}),
    row("tenant.retention.raw_days", {"retention": {"raw_days": 14}}, told=(RETENTION,)),
    row("tenant.retention.raw_days", {"retention": {"raw_days": 900}}),
    row("tenant.retention.messages_days", {"retention": {"messages_days": 365}}, told=(RETENTION,)),
    row("tenant.retention.messages_days", {"retention": {}}, {"retention": {"messages_days": 30}}, told=(RETENTION,)),
    row(
        "tenant.retention.messages_days",
        {"retention": {"messages_days": 3}},
        {"retention": {"messages_days": 30}},
        told=(RETENTION,),
    ),
    row("tenant.join_threads_by", {"join_threads_by": ["subject", "thread-index"]}),
    row("tenant.portal", {"portal": PORTAL}),
    row("tenant.portal", {"portal": None}, {"portal": PORTAL}),
    row("tenant.portal.target", {"portal": LB}, {"portal": PORTAL}),
    row("tenant.portal.hosted_zone_id", {"portal": {**LB, "hosted_zone_id": "ZOTHER"}}, {"portal": LB}),
    row("tenant.portal.ipv6", {"portal": {**PORTAL, "ipv6": False}}, {"portal": PORTAL}),
    *both("tenant.ownership", {"ownership": f"email-claim={'0' * 32}"}, {"ownership": f"email-claim={'1' * 32}"}),
    *both("tenant.tags", {"tags": {"contract": "1"}}, {"tags": {"contract": "2", "more": "x"}}),
)

CELL: tuple[Change, ...] = (
    row("cell.account", {"account": "111111111111"}),
    *both("cell.alerts", {"alerts": ["a@ops.example"]}, {"alerts": ["b@ops.example"]}),
    row("cell.scanner.memory_mib", {"scanner": {"memory_mib": 4096}, "quotas": {"function_memory_mib": 4096}}),
    row("cell.scanner.definitions_source", {"scanner": {"definitions_source": "https://clamav.ops.example"}}),
    row("cell.encryption.key_arn", {"encryption": {"key_arn": KEY}}),
    row("cell.control.issuer", {"control": CONTROL}),
    row("cell.control.issuer", {"control": None}, {"control": CONTROL}, (EXPORT,)),
    *both("cell.control.issuer", {"control": CONTROL}, {"control": {**CONTROL, "issuer": "https://id.acme.example"}}),
    *both("cell.control.audience", {"control": CONTROL}, {"control": {**CONTROL, "audience": "post"}}),
    *both(
        "cell.control.organization_claim", {"control": CONTROL}, {"control": {**CONTROL, "organization_claim": "org"}}
    ),
    *both("cell.control.authorizer", {"control": CONTROL}, {"control": {**CONTROL, "authorizer": "gateway"}}),
    *both("cell.control.allowed_origins", {"control": CONTROL}, {"control": {**CONTROL, "allowed_origins": [ORIGIN]}}),
    *both("cell.control.domain.domain_name", {"control": CONTROL}, {"control": {**CONTROL, "domain": DOMAIN}}),
    *both("cell.control.domain.domain_name", {"control": {**CONTROL, "domain": DOMAIN}}, {"control": OTHER_NAME}),
    *both("cell.control.domain.certificate_arn", {"control": OTHER_NAME}, {"control": OTHER_CERTIFICATE}),
    *both("cell.control.domain.hosted_zone_id", {"control": OTHER_CERTIFICATE}, {"control": OTHER_ZONE}),
    row("cell.encryption.key_arn", {"encryption": None}, {"encryption": {"key_arn": KEY}}),
    row("cell.scanner.max_concurrency", {"scanner": {"max_concurrency": 3}}),
    row("cell.scanner.recall_days", {"scanner": {"recall_days": 3}}),
    row("cell.scanner.recall_days", {"scanner": {"recall_days": 0}}),
    row("cell.scanner.recall_days", {"scanner": {"recall_days": 7}}, {"scanner": {"recall_days": 0}}),
    row(
        "cell.quotas",
        {
            "quotas": {
                name: 2000
                for name in Cell.model_fields["quotas"].default.__class__.model_fields
                if name not in {"recipients_per_rule", "function_memory_mib"}
            }
        },
    ),
    row("cell.quotas", {"quotas": {"recipients_per_rule": 3}}),
    row("cell.quotas", {"quotas": {"recipients_per_rule": 2}}, {"quotas": {"recipients_per_rule": 3}}, (RULES,)),
    row("cell.quotas", {"quotas": {"recipients_per_rule": 3}}, {"quotas": {"recipients_per_rule": 2}}),
)

ELSEWHERE = {"cell.id", "cell.region", "tenant.id", "tenant.cell", "tenant.settings"}
"""Another stack altogether: what is found of these is told by what is deployed elsewhere, not by two templates of one stack. Or
another owner of the same fields, whose templates `tests/stacks/test_snapshots.py` compares.
"""


def changes() -> list[Change]:
    """All of them: those above, and every other value of what is a choice."""
    listed = {one.key for one in (*TENANT, *CELL)}
    chosen = [
        row(key, _nested(key, value))
        for key, annotation, default in _leaves()
        for value in _choices(annotation)
        if value != default and key not in listed | ELSEWHERE
    ]
    return [*TENANT, *CELL, *chosen]


def keys() -> set[str]:
    """Path of every key of a tenant and a cell that holds a value, and may hold another one."""
    return {key for key, annotation, _default in _leaves() if len(_choices(annotation)) != 1}


def _leaves() -> Iterator[tuple[str, Any, Any]]:
    for name, model in (("tenant", Tenant), ("cell", Cell)):
        yield from _leaves_of(name, model)


def _leaves_of(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, Any, Any]]:
    for name, one in model.model_fields.items():
        within = _model(one.annotation)
        path = f"{prefix}.{name}"
        # Quotas refuse a config; but one of them none makes a difference to a template.
        if within is None or path == "cell.quotas":
            yield path, one.annotation, one.default
        else:
            yield from _leaves_of(path, within)


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in typing.get_args(annotation) if (found := _model(one)) is not None), None)


def _choices(annotation: Any) -> list[Any]:
    if annotation is bool:
        return [True, False]
    return list(typing.get_args(annotation)) if typing.get_origin(annotation) is typing.Literal else []


def _nested(key: str, value: Any) -> dict[str, Any]:
    for name in reversed(key.split(".")[1:]):
        value = {name: value}
    result: dict[str, Any] = value
    return result


def _short(settings: dict[str, Any]) -> str:
    text = ",".join(f"{name}={value}" for name, value in settings.items())
    return "".join(one if one.isalnum() or one in "=,.-" else "" for one in text)[:60]
