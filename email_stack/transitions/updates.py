"""Effect of an update on each resource: deleted, replaced or kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from email_stack.transitions.behaviours import create_only_values
from email_stack.transitions.resources import Template

__all__ = ["Fate", "fates", "refers_to"]

Fate = Literal["goes", "replaced", "stays"]
"""goes: the new template lacks it. replaced: a new one is made, and the old one is then deleted or kept by its policy."""


def fates(deployed: Template, wanted: Template) -> dict[str, Fate]:
    """Effect on each deployed resource, by logical id.

    A reference to a replaced resource is a new value too: a create-only property with such a reference replaces its resource as
    well.

    Source: CloudFormation user guide, "Understand update behaviors of stack resources".
    """
    before, after = deployed.get("Resources", {}), wanted.get("Resources", {})
    replaced = {name for name in before.keys() & after.keys() if _differs(before[name], after[name])}
    growing = True
    while growing:
        follow = {
            name
            for name in (before.keys() & after.keys()) - replaced
            if any(refers_to(value, replaced) for value in create_only_values(after[name]).values())
        }
        growing = bool(follow)
        replaced |= follow
    return {name: "goes" if name not in after else "replaced" if name in replaced else "stays" for name in before}


def refers_to(value: Any, logical_ids: set[str]) -> bool:
    """Whether a value of a template holds a Ref or a GetAtt of one of these."""
    return any(one in logical_ids for one in _references(value))


def _references(value: Any) -> Iterator[str]:
    """Every logical id in a value; the CDK writes GetAtt as a list, and Sub only with names of AWS's."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if isinstance(one.get("Ref"), str):
                yield one["Ref"]
            if isinstance(one.get("Fn::GetAtt"), list) and one["Fn::GetAtt"]:
                yield str(one["Fn::GetAtt"][0])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return before["Type"] != after["Type"] or create_only_values(before) != create_only_values(after)
