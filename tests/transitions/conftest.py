"""The platform of tests/stacks, for every type of resource that is deployed."""

from tests.stacks.conftest import assembly, config, templates

__all__ = ["assembly", "config", "templates"]
