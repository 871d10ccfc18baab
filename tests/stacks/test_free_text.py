"""Text in a field of the config is refused with its place, or is unchanged in the template."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from email_stack.config import Config, ConfigError, Tenant, load
from email_stack.stacks import new_app
from email_stack.stacks.cell_stack import CellStack
from email_stack.stacks.tenant_stack import TenantStack
from mailroom.messages.dmarc_record import parse_dmarc
from mailroom.store.address_book import METADATA
from tests.templates import UNSTAGED, unchecked

pytestmark = pytest.mark.slow

Template = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One place where text can be written.

    Args:
        place: what a problem's `field` begins with.
        write: the settings of a tenant, or of a cell, that hold the text.
        expected: what the config makes of it.
        found: what the template holds.
        cell: whether it is a cell's. Default: False.
    """

    place: str
    write: Callable[[str], dict[str, Any]]
    expected: Callable[[Tenant], object]
    found: Callable[[Template], object]
    cell: bool = False


def _all(template: Template, type_: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == type_]


def _book(template: Template) -> list[tuple[str, str]]:
    (book,) = [
        one["Metadata"][METADATA] for one in template["Resources"].values() if METADATA in one.get("Metadata", {})
    ]
    return [(one["address"], one["name"]) for one in book["addresses"]]


def _recipients(template: Template) -> list[str]:
    return [one for rule in _all(template, "AWS::SES::ReceiptRule") for one in rule["Rule"]["Recipients"]]


def _record(template: Template, type_: str, prefix: str = "") -> list[str]:
    return [
        value
        for group in _all(template, "AWS::Route53::RecordSetGroup")
        for one in group["RecordSets"]
        if one["Type"] == type_ and isinstance(one["Name"], str) and one["Name"].startswith(prefix)
        for value in one.get("ResourceRecords", [one.get("AliasTarget", {}).get("DNSName")])
    ]


def _rua(template: Template) -> tuple[str, ...]:
    (value,) = _record(template, "TXT", "_dmarc.")
    return parse_dmarc(value.replace('" "', "").strip('"')).rua


def _tags(template: Template) -> dict[str, str]:
    """The stack's own, which CloudFormation hands on to what it makes."""
    return {key: value for key, value in template["Tags of the stack"].items() if key not in {"tenant", "cell"}}


def _endpoints(template: Template) -> tuple[str, ...]:
    return tuple(one["Endpoint"] for one in _all(template, "AWS::SNS::Subscription") if one["Protocol"] == "email")


FIELDS = [
    Field(
        "addresses",
        lambda text: {"addresses": [{"local_part": "a", "display_name": text}]},
        lambda tenant: [(one.address, one.name) for one in tenant.designated_addresses],
        _book,
    ),
    Field(
        "addresses",
        lambda text: {"addresses": [text]},
        lambda tenant: list(tenant.receiving_addresses),
        _recipients,
    ),
    Field(
        "addresses",
        lambda text: {"addresses": [{"local_part": text, "receive": False}]},
        lambda tenant: [(one.address, one.name) for one in tenant.designated_addresses],
        _book,
    ),
    Field(
        "role_addresses",
        lambda text: {"role_addresses": [text]},
        lambda tenant: list(tenant.receiving_addresses),
        _recipients,
    ),
    Field(
        "dmarc.rua", lambda text: {"dmarc": {"rua": [f"{text}@acme.example"]}}, lambda tenant: tenant.dmarc_rua, _rua
    ),
    Field("alerts", lambda text: {"alerts": [f"{text}@acme.example"]}, lambda tenant: tenant.alerts, _endpoints),
    Field("tags", lambda text: {"tags": {"key": text}}, lambda tenant: dict(tenant.tags), _tags),
    Field("tags", lambda text: {"tags": {text: "value"}}, lambda tenant: dict(tenant.tags), _tags),
    Field(
        "subdomain",
        lambda text: {"subdomain": f"{text}.acme.example"},
        lambda tenant: [tenant.subdomain],
        lambda template: [one["EmailIdentity"] for one in _all(template, "AWS::SES::EmailIdentity")],
    ),
    Field(
        "mail_from",
        lambda text: {"mail_from": text},
        lambda tenant: [tenant.mail_from_domain],
        lambda template: [
            one["MailFromAttributes"]["MailFromDomain"] for one in _all(template, "AWS::SES::EmailIdentity")
        ],
    ),
    Field(
        "tracking.redirect_domain",
        lambda text: {"tracking": {"clicks": False, "redirect_domain": f"{text}.post.acme.example"}},
        lambda tenant: [tenant.tracking.redirect_domain],
        lambda template: [
            one["TrackingOptions"]["CustomRedirectDomain"] for one in _all(template, "AWS::SES::ConfigurationSet")
        ],
    ),
    Field(
        "mta_sts.policy_host",
        lambda text: {"mta_sts": {"policy_host": f"{text}.acme.example"}},
        lambda tenant: [tenant.mta_sts.policy_host] if tenant.mta_sts else [],
        lambda template: _record(template, "CNAME", "mta-sts."),
    ),
    Field(
        "portal.target",
        lambda text: {"portal": {"target": f"{text}.acme.example", "hosted_zone_id": "Z1"}},
        lambda tenant: [tenant.portal.target] if tenant.portal else [],
        lambda template: _record(template, "A"),
    ),
    Field(
        "portal.hosted_zone_id",
        lambda text: {"portal": {"target": "a.acme.example", "hosted_zone_id": text}},
        lambda tenant: {tenant.portal.hosted_zone_id} if tenant.portal else {},
        lambda template: {
            one["AliasTarget"]["HostedZoneId"]
            for group in _all(template, "AWS::Route53::RecordSetGroup")
            for one in group["RecordSets"]
            if "AliasTarget" in one
        },
    ),
    Field("alerts", lambda text: {"alerts": [f"{text}@acme.example"]}, lambda _: (), _endpoints, cell=True),
]
HOSTILE = st.sampled_from(
    [
        "{{resolve:ssm:/platform/secret}}",
        "${Token[AWS.AccountId.0]} x",
        "${Token[AWS.AccountId.3]}",
        "#{Token[TOKEN.0]}",
        "${AWS::AccountId}",
        "{{a}}",
        "a{{",
        "{a}",
        "{ {resolve:ssm:/x}}",
        "a{b",
        "$.a",
        "a.$",
        "States.Format('{}', $)",
        "<aws.events.event>",
        '"},"x":{"',
        "\\u007b\\u007bresolve:ssm:/x}}",
        "\u2028",
        "Z1",
    ]
)
PLAIN = st.from_regex(r"[a-zA-Z0-9]([{}a-z0-9+-]{0,6}[a-z0-9])?", fullmatch=True)
TEXTS = (
    st.text(max_size=40)
    | st.text("{}$#[]Token.a0:\"'\\ ", max_size=20)
    | HOSTILE
    | PLAIN
    | st.tuples(PLAIN, HOSTILE).map("".join)
)


def _written(field: Field, text: str) -> str:
    tenant = {"id": "acme", "subdomain": "post.acme.example"}
    cell = {"region": "eu-central-1"}
    settings_ = field.write(text)
    data = {
        "cells": {"eu": {**cell, **(settings_ if field.cell else {})}},
        "tenants": [{**tenant, **({} if field.cell else settings_)}],
    }
    return json.dumps(data)


def _template(config: Config, field: Field) -> Template:
    with unchecked():
        app = new_app(context=UNSTAGED)
    cell = config.cell("eu")
    stack = CellStack(app, cell) if field.cell else TenantStack(app, config.tenant("acme"), cell)
    made = app.synth().get_stack_by_name(stack.stack_name)
    return {**made.template, "Tags of the stack": made.tags}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(FIELDS), TEXTS)
def test_text_is_refused_or_stays(tmp_path_factory: pytest.TempPathFactory, field: Field, text: str) -> None:
    """Nothing else comes of it: neither another text in the template, nor an error at synthesis."""
    file = tmp_path_factory.mktemp("text") / "tenants.yaml"
    file.write_text(_written(field, text), encoding="utf-8", errors="surrogatepass")
    try:
        config = load(file)
    except ConfigError as error:
        for problem in error.problems:
            # The file as a whole: characters that no YAML may hold.
            assert problem.field.startswith(field.place) or not problem.subject
            assert problem.line == 1
        return
    found = field.found(_template(config, field))
    assert found == (config.cell("eu").alerts if field.cell else field.expected(config.tenant("acme")))
    assert "{{" not in text
    assert "${" not in text


def test_texts_are_taken_at_all(tmp_path: Path) -> None:
    """In each field a plain text is; so the test above is of more than refusals."""
    for index, field in enumerate(FIELDS):
        file = tmp_path / f"{index}.yaml"
        file.write_text(_written(field, "Z1"), encoding="utf-8")
        config = load(file)
        assert field.found(_template(config, field)) == (
            config.cell("eu").alerts if field.cell else field.expected(config.tenant("acme"))
        )
