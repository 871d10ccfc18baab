"""The JSON schema for editors: in step with the models, and of one mind with the loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from email_stack.config import json_schema, load
from email_stack.config.schema import main, schema_text
from tests.config.configs import HEAD, config_of, problems_of, with_tenant

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tenants.yaml"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """A validator of the schema, itself a valid one."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_committed_schema_is_in_step(tmp_path: Path) -> None:
    """`python -m email_stack.config.schema` writes it anew."""
    assert (ROOT / "tenants.schema.json").read_text(encoding="utf-8") == schema_text()
    main([str(tmp_path / "schema.json")])
    assert (tmp_path / "schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_example_is_valid(validator: Draft202012Validator) -> None:
    """For editors and for the loader."""
    validator.validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))
    assert EXAMPLE.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=./tenants.schema.json\n")


def test_the_example_shows_what_there_is() -> None:
    """One cell on anybody's account; tenants that differ; more addresses than one rule takes; reserved names alone."""
    config = load(EXAMPLE)
    (cell,) = config.cells
    tenants = config.tenants
    assert (cell.region, cell.account) == ("eu-central-1", None)
    assert {tenant.dns for tenant in tenants} == {"delegated", "self-managed"}
    assert any(tenant.portal for tenant in tenants)
    assert any(len(tenant.receiving_addresses) == 120 for tenant in tenants)
    assert any(tenant.subdomain_unicode != tenant.subdomain for tenant in tenants)
    assert all(tenant.subdomain.endswith(".example") for tenant in tenants)
    assert all(address.endswith(".example") for tenant in tenants for address in (*tenant.alerts, *tenant.dmarc_rua))


def test_one_tenant_is_valid_as_a_file_of_a_folder(validator: Draft202012Validator) -> None:
    """So are cells alone."""
    validator.validate({"id": "acme", "subdomain": "post.acme.example"})
    validator.validate({"cells": {"eu": {"region": "eu-central-1"}}})


@pytest.mark.parametrize(
    "settings",
    [
        "live: yes",
        "speed: 1",
        "dmarc: {policy: refuse}",
        "addresses: [a b]",
        "addresses: [{send: true}]",
        "mail_from: a.b",
        "scanning: {error: deliver}",
        "scanning: mine",
        "retention: {raw_days: 0}",
        "join_threads_by: subject",
        "portal: {}",
        "alerts: nobody",
        "tags: {a: 1}",
        "cell: EU",
    ],
)
def test_editors_see_what_the_loader_refuses(validator: Draft202012Validator, tmp_path: Path, settings: str) -> None:
    """Types, choices, bounds, patterns and unknown keys."""
    text = with_tenant(settings)
    assert problems_of(tmp_path, text)
    data = yaml.load(text, Loader=yaml.BaseLoader if "yes" in text else yaml.SafeLoader)
    assert not validator.is_valid(data)
    assert not validator.is_valid(data["tenants"][0])


@pytest.mark.parametrize(
    "settings",
    [
        "addresses: [a, {local_part: b, send: false}]",
        "scanning: dedicated",
        "retention: {messages_days: null}",
        "join_threads_by: [subject, thread-index]",
        "dmarc: {rua: null}",
        "parent_zone: null",
    ],
)
def test_editors_take_what_the_loader_takes(validator: Draft202012Validator, tmp_path: Path, settings: str) -> None:
    """Short forms, and null where it means the default."""
    text = with_tenant(settings)
    config_of(tmp_path, text)
    validator.validate(yaml.safe_load(text))


def test_every_key_is_described() -> None:
    """With its default, where it has one: that is what an editor shows."""
    for name, definition in json_schema()["$defs"].items():
        for key, field in definition["properties"].items():
            assert field.get("description"), f"{name}.{key}"
            if key not in definition.get("required", ()) and name != "File" and "$ref" not in field:
                assert "efault" in field["description"] or field["description"].startswith("How long"), f"{name}.{key}"


def test_the_documentation_names_every_key() -> None:
    """docs/configuration.md is the reference."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name, definition in json_schema()["$defs"].items():
        for key in definition["properties"]:
            assert f"`{key}`" in text, f"{name}.{key}"


def test_no_reference_leads_nowhere() -> None:
    """Every `$ref` has its definition."""
    schema = json_schema()
    assert {f"#/$defs/{name}" for name in schema["$defs"]} == set(_references(schema))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_the_schema_holds_for_ids_as_the_loader_does(validator: Draft202012Validator, tmp_path: Path) -> None:
    """One pattern in two places."""
    for tenant_id in ("acme", "a1", "a-b-c", "a", "1a", "a--b", "a-", "A1", "a" * 32, "a" * 33):
        text = f"{HEAD}  - id: {tenant_id}\n    subdomain: post.acme.example\n"
        valid = validator.is_valid(yaml.safe_load(text))
        if valid:
            config_of(tmp_path, text)
        else:
            assert problems_of(tmp_path, text)
