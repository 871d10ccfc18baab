"""The JSON schema of the config, for editors. `python -m email_stack.config.schema [FILE]` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from email_stack.config.models import Cell, Tenant
from email_stack.config.snapshots import OWNED
from email_stack.output.files import write_whole

__all__ = ["json_schema", "schema_text"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - a title would only repeat the key
        return False


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a whole file, and of the files of a folder: a mapping with `id` or `subdomain` is one tenant.

    The schema is an aid for editors: types, keys, choices and patterns. `load` checks the further rules of DNS and SES.
    """
    _, made = models_json_schema(
        [(Cell, "validation"), (Tenant, "validation")], schema_generator=_Generator, ref_template="#/$defs/{model}"
    )
    definitions: dict[str, Any] = made["$defs"]
    for definition in definitions.values():
        definition.pop("title", None)
    # The loader fills these in: a cell's id is its key, and a tenant's cell has a default.
    cell_id = definitions["Cell"]["properties"].pop("id")
    definitions["Cell"]["required"].remove("id")
    definitions["Tenant"]["required"].remove("cell")
    definitions["Tenant"]["required"].remove("subdomain")
    # A field has one owner.
    definitions["Tenant"]["if"] = {"properties": {"settings": {"const": "api"}}, "required": ["settings"]}
    definitions["Tenant"]["then"] = {"properties": dict.fromkeys(OWNED, False)}
    definitions["Tenant"]["else"] = {"required": ["subdomain"]}
    # The default follows from the target, so no value stands for it.
    definitions["Portal"]["properties"]["hosted_zone_id"].pop("default")
    definitions["File"] = {
        "description": "Cells and tenants. In a folder, cells.yaml holds the cells alone.",
        "type": "object",
        "additionalProperties": False,
        "required": ["cells"],
        "properties": {
            "cells": {
                "description": "Accounts and regions, by permanent id.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {key: cell_id[key] for key in ("pattern", "minLength", "maxLength")},
                "additionalProperties": {"$ref": "#/$defs/Cell"},
            },
            "tenants": {
                "description": "Tenants; [] for none.",
                "type": "array",
                "items": {"$ref": "#/$defs/Tenant"},
            },
        },
    }
    return {
        "$schema": _DIALECT,
        "title": "E-mail subdomains of tenants",
        "description": "A whole file of cells and tenants, the cells.yaml of a folder, or one tenant's file in it.",
        "type": "object",
        # With oneOf, editors and validators would report the problems of every form. With if, they report those of the form in use.
        "if": {"anyOf": [{"required": ["id"]}, {"required": ["subdomain"]}]},
        "then": {"$ref": "#/$defs/Tenant"},
        "else": {"$ref": "#/$defs/File"},
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Write the schema to the given file. Default: `tenants.schema.json` in the working folder."""
    write_whole(Path(arguments[0] if arguments else "tenants.schema.json"), schema_text().encode())


if __name__ == "__main__":
    main(sys.argv[1:])
