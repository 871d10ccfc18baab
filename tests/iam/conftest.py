"""The templates that tests/stacks synthesizes."""

from tests.stacks.conftest import assembly, config, templates

__all__ = ["assembly", "config", "templates"]
