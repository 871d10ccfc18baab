"""Helpers to read synthesized templates."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

import aws_cdk as cdk
from aws_cdk.assertions import Template

__all__ = ["REGION", "UNSTAGED", "new_stack", "only", "plain_app", "resources", "template_of", "unchecked"]

REGION = "eu-central-1"
UNSTAGED: Final = {"aws:cdk:disable-asset-staging": True}
"""Context of an app of which only templates are looked at: functions' code, 7 MB each, is not copied. Their hashes are the same."""


def plain_app(context: Mapping[str, Any] = UNSTAGED) -> cdk.App:
    """An app of which only templates are looked at, and those not by the CDK: its check of templates is left out."""
    return cdk.App(tree_metadata=False, builtin_cloud_formation_validation=False, context=context)


@contextmanager
def unchecked() -> Iterator[None]:
    """Apps that are made meanwhile leave the CDK's check of templates out. `tests/validation.py` says who has it."""
    with patch.object(cdk, "App", functools.partial(cdk.App, builtin_cloud_formation_validation=False)):
        yield


def new_stack(id: str = "Stack") -> cdk.Stack:
    """An empty stack of a region, in an app of its own."""
    return cdk.Stack(plain_app(), id, env=cdk.Environment(region=REGION))


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
