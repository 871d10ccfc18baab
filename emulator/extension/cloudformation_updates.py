"""Refuses updates that change or drop an imported export, and accepts updates of outputs alone, as CloudFormation does.

Source: CloudFormation user guide, "Get exported outputs from a deployed CloudFormation stack": an output value that another stack
references can be neither modified nor removed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emulator.extension import upstream

ENGINE: Final = "services.cloudformation.stacks"
CHANGES: Final = "services.cloudformation.changesets"


def install() -> None:
    """Check exports when an update's outputs are known, and accept an update of outputs alone."""
    upstream.replace(ENGINE, "_resolve_stack_outputs", _keeping_exports)
    upstream.replace(CHANGES, "_resolve_props_for_diff", _keeping_outputs)
    upstream.replace(CHANGES, "_diff_resources", _minding_outputs)


class _OutputsAlone(list[Any]):
    """An empty list that counts as changes, because ministack asks whether there are any."""

    def __bool__(self) -> bool:
        return True


def _keeping_outputs(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def resolve(template: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**original(template, *args, **kwargs), "Outputs": template.get("Outputs", {})}

    return resolve


def _minding_outputs(original: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def diff(old: dict[str, Any], new: dict[str, Any], *args: Any, **kwargs: Any) -> list[Any]:
        found = original(old, new, *args, **kwargs)
        return found if found or old.get("Outputs") == new.get("Outputs") else _OutputsAlone()

    return diff


def _keeping_exports(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(*args: Any, **kwargs: Any) -> Any:
        outputs, exports = original(*args, **kwargs)
        stack_id = str(args[-1])
        held = upstream.attribute("services.cloudformation", "_exports")
        own = {name: one["Value"] for name, one in held.items() if one["StackId"] == stack_id}
        changed = {name for name, value in own.items() if name not in exports or exports[name]["Value"] != value}
        for name in sorted(changed):
            for importer in _importers(name, stack_id):
                doing = "updated" if name in exports else "deleted"
                raise ValueError(f"Export {name} cannot be {doing} as it is in use by {importer}")
        # A dropped export cannot be imported any more: ministack forgets it only with its stack.
        for name in own.keys() - exports.keys():
            held.pop(name)
        return outputs, exports

    return resolve


def _importers(export: str, stack_id: str) -> list[str]:
    imported = upstream.attribute("services.cloudformation.handlers", "_imported_export_names")
    return sorted(
        name
        for name, stack in upstream.attribute("services.cloudformation", "_stacks").items()
        if stack.get("StackId") != stack_id
        and not stack.get("StackStatus", "").startswith("DELETE_COMPLETE")
        and export in imported(stack, name)
    )
