"""Resources that CloudFormation replaces, by cfn-lint's schemas: independent of the judge."""

from __future__ import annotations

from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # it ships none

__all__ = ["create_only", "gone_or_replaced"]

REGION = "eu-central-1"


@cache
def create_only(type_: str) -> set[str]:
    """Paths of the properties of a type that no update changes, always or under conditions."""
    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, type_).schema
    listed = (schema.get("createOnlyProperties") or []) + (schema.get("conditionalCreateOnlyProperties") or [])
    return {path.removeprefix("/properties/") for path in listed}


def gone_or_replaced(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Logical ids that the update takes away or makes anew, by their own values; what follows them is left out."""
    found = set()
    for name, old in before["Resources"].items():
        new = after["Resources"].get(name)
        if (
            new is None
            or new["Type"] != old["Type"]
            or any(_at(old, path) != _at(new, path) for path in create_only(old["Type"]))
        ):
            found.add(name)
    return found


def _at(resource: dict[str, Any], path: str) -> Any:
    value: Any = resource.get("Properties", {})
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value
