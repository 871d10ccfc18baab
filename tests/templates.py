"""Helpers to read synthesized templates."""

from __future__ import annotations

from typing import Any, Final

import aws_cdk as cdk
from aws_cdk.assertions import Template

__all__ = ["REGION", "UNSTAGED", "new_stack", "only", "resources", "template_of"]

REGION = "eu-central-1"
UNSTAGED: Final = {"aws:cdk:disable-asset-staging": True}
"""Context of an app of which only templates are looked at: functions' code, 7 MB each, is not copied. Their hashes are the same."""


def new_stack(id: str = "Stack") -> cdk.Stack:
    """An empty stack of a region, in an app of its own."""
    return cdk.Stack(cdk.App(tree_metadata=False, context=UNSTAGED), id, env=cdk.Environment(region=REGION))


def template_of(stack: cdk.Stack) -> Template:
    """The stack's template, synthesized."""
    return Template.from_stack(stack)


def resources(template: Template, type_: str) -> dict[str, Any]:
    """The resources of one type, by logical id."""
    return {name: dict(resource) for name, resource in template.find_resources(type_).items()}


def only(template: Template, type_: str) -> dict[str, Any]:
    """Properties of the only resource of a type."""
    template.resource_count_is(type_, 1)
    (resource,) = resources(template, type_).values()
    properties: dict[str, Any] = resource["Properties"]
    return properties
