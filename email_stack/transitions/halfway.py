"""Computes an intermediate template that makes a change lossless: the deployed one with an addition. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from constructs_lib.naming import moving_rule_name
from email_stack.transitions.receiving import in_order, recipients_of, rules_of, uncovered
from email_stack.transitions.resources import Template, keeps
from email_stack.transitions.updates import Fate, fates

__all__ = ["MOVING_RULE", "Halfway", "halfway"]

MOVING_RULE: Final = "MovingRule"
"""Logical id of the rule in an intermediate template."""

_KEPT: Final = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_MARK: Final = {"email-subdomain:kept": "move"}
"""Metadata beside changed policies: CloudFormation has treated a changed policy alone as no change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Halfway:
    """An intermediate template, and its purpose.

    Args:
        template: the deployed one, with the addition for the next update.
        texts: its effects, one clause each.
    """

    template: Template
    texts: tuple[str, ...]


def halfway(deployed: Template, wanted: Template) -> Halfway | None:
    """The template to deploy first; None if the update loses nothing that it could save.

    It changes no deployed resource that mail needs. Once it is deployed, the same call returns None: so an interrupted command
    continues.

    - Addresses that would have no receipt rule for a moment get a rule of their own. CloudFormation deletes it after all others
      have changed. If one rule cannot hold them, it takes the whole domain until then.
    - An NS record in a parent zone that is dropped, and a zone that would be deleted, are kept.

    Source: CloudFormation user guide, "Update behaviors of stack resources", "DeletionPolicy attribute".
    """
    fate = fates(deployed, wanted)
    kept = dict(_kept(deployed, fate))
    texts = [f"keep {text}" for text, _resource in kept.values()]
    changed = {name: resource for name, (_text, resource) in kept.items()}
    if missing := uncovered(deployed, wanted, fate):
        taken, more = _bridge(deployed, wanted, missing)
        changed |= more
        texts.append(f"add the receipt rule {more[MOVING_RULE]['Properties']['Rule']['Name']}, which takes {taken}")
    if not changed:
        return None
    template = {**deployed, "Resources": {**deployed["Resources"], **changed}}
    return Halfway(template=template, texts=tuple(texts))


def _kept(deployed: Template, fate: Mapping[str, Fate]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    resources = deployed.get("Resources", {})
    zone_goes = any(
        one["Type"] == "AWS::Route53::HostedZone" and fate[name] != "stays" for name, one in resources.items()
    )
    for name, one in resources.items():
        named = str(one.get("Properties", {}).get("Name", "")).rstrip(".")
        if fate[name] != "goes" or keeps({**one, "Metadata": {}}):
            continue
        if one["Type"] == "AWS::Route53::HostedZone":
            yield name, (f"the hosted zone {named} when the stack drops it", _retained(one))
        elif one["Type"] == "AWS::Route53::RecordSet" and one["Properties"].get("Type") == "NS" and not zone_goes:
            yield name, (f"the NS record of {named} in its parent zone when the stack drops it", _retained(one))


def _retained(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {**resource, **_KEPT, "Metadata": {**resource.get("Metadata", {}), **_MARK}}


def _bridge(deployed: Template, wanted: Template, missing: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """The rule's recipients in words, the rule, and the bucket's policy statement for it."""
    rules = {name: one for name, one in rules_of(deployed).items() if name != MOVING_RULE}
    order = in_order(rules)
    pattern = next(name for name in order if recipients_of(rules[name]))
    rule = copy.deepcopy(dict(rules[pattern]))
    old = str(rule["Properties"]["Rule"]["Name"])
    new = moving_rule_name(old.rpartition("-")[0])
    most = max(len(recipients_of(one)) for one in (*rules.values(), *rules_of(wanted).values()))
    domain = missing[0].rpartition("@")[2]
    # The rule of an interrupted move keeps its addresses: the wanted rules may lack them still.
    held = recipients_of(rules_of(deployed).get(MOVING_RULE, {}))
    both = sorted({*missing, *held})
    taken = both if len(both) <= most else [domain]
    rule["Properties"]["Rule"] |= {"Name": new, "Recipients": taken}
    rule |= {"DependsOn": [order[-1]], "Metadata": {}}
    words = f"{len(both)} of its addresses" if taken[0] != domain else f"every address of {domain} meanwhile"
    policies = {
        name: {**one, "Properties": _letting(one["Properties"], old, new)}
        for name, one in deployed["Resources"].items()
        if one["Type"] == "AWS::S3::BucketPolicy" and _names(one, old) and not _names(one, new)
    }
    return words, {MOVING_RULE: rule, **policies}


def _letting(properties: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The policy's properties with the new rule beside each mention of the old one."""
    changed: dict[str, Any] = copy.deepcopy(dict(properties))
    for statement in changed["PolicyDocument"]["Statement"]:
        for compared in statement.get("Condition", {}).values():
            given = compared.get("aws:SourceArn", [])
            listed = given if isinstance(given, list) else [given]
            added = [
                json.loads(json.dumps(one).replace(f':receipt-rule/{old}"', f':receipt-rule/{new}"'))
                for one in listed
                if _names(one, old)
            ]
            if added:
                compared["aws:SourceArn"] = [*listed, *added]
    return changed


def _names(value: Any, rule: str) -> bool:
    return f':receipt-rule/{rule}"' in json.dumps(value)
