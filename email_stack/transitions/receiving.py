"""Finds addresses that an update leaves without a receipt rule for a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from email_stack.transitions.resources import Template
from email_stack.transitions.updates import Fate

__all__ = ["in_order", "receives", "recipients_of", "rules_of", "uncovered"]

_RULE: Final = "AWS::SES::ReceiptRule"


def receives(template: Template) -> bool:
    """Whether a rule of the stack receives mail."""
    return any(recipients_of(resource) for resource in rules_of(template).values())


def uncovered(deployed: Template, wanted: Template, fate: Mapping[str, Fate]) -> tuple[str, ...]:
    """Addresses with a rule before and after the update, and without one for a moment between; sorted.

    CloudFormation makes and changes one rule after the other, in the order of their dependencies. Dropped and replaced rules are
    deleted after that.

    Source: CloudFormation user guide, "DependsOn attribute", "Update a stack".
    """
    before = {name: recipients_of(rule) for name, rule in rules_of(deployed).items()}
    after = {name: recipients_of(rule) for name, rule in rules_of(wanted).items()}
    lasting = {one for one in _all(after) if _covered(one, _all(before))}
    missing: set[str] = set()
    now = dict(before)
    for name in in_order(rules_of(wanted)):
        # The old version of a replaced rule stays beside the new one until the end.
        now[f"{name}, new" if fate.get(name) == "replaced" else name] = after[name]
        held = _all(now)
        missing |= {one for one in lasting if not _covered(one, held)}
    return tuple(sorted(missing))


def rules_of(template: Template) -> dict[str, Mapping[str, Any]]:
    """The receipt rules of a template, by logical id."""
    return {name: one for name, one in template.get("Resources", {}).items() if one["Type"] == _RULE}


def recipients_of(rule: Mapping[str, Any]) -> frozenset[str]:
    """The rule's recipients; none while it is off."""
    settings = rule.get("Properties", {}).get("Rule", {})
    if settings.get("Enabled") is False:
        return frozenset()
    return frozenset(one for one in settings.get("Recipients", ()) if isinstance(one, str))


def in_order(rules: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each rule after those that it depends on."""
    ordered: list[str] = []
    waiting = dict(rules)
    while waiting:
        ready = [name for name, rule in waiting.items() if not waiting.keys() & set(_depends(rule))]
        ordered += ready or list(waiting)
        waiting = {name: rule for name, rule in waiting.items() if name not in ordered}
    return ordered


def _all(rules: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*rules.values())


def _covered(recipient: str, held: frozenset[str]) -> bool:
    """Whether rules cover a recipient: an address by itself or by its domain; a domain by itself."""
    return recipient in held or recipient.rpartition("@")[2] in held


def _depends(rule: Mapping[str, Any]) -> Iterable[str]:
    on = rule.get("DependsOn", ())
    return (on,) if isinstance(on, str) else on
