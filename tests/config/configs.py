"""Configs to test with, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from email_stack.config import Config, ConfigError, Problem, Tenant, load

__all__ = ["HEAD", "config_of", "lines_of", "problems_if_any", "problems_of", "tenant_of", "with_tenant"]

HEAD = "cells:\n  eu: {region: eu-central-1}\ntenants:\n"
"""Three lines: the first tenant starts in line 4."""


def with_tenant(settings: str) -> str:
    """A file with the tenant acme at post.acme.example, its further settings from line 6 on."""
    indented = "".join(f"    {line}\n" for line in settings.splitlines())
    return f"{HEAD}  - id: acme\n    subdomain: post.acme.example\n{indented}"


def config_of(folder: Path, text: str | bytes) -> Config:
    """The config in a file with that text."""
    file = folder / "tenants.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(file)


def tenant_of(folder: Path, settings: str) -> Tenant:
    """The tenant acme with those settings."""
    return config_of(folder, with_tenant(settings)).tenant("acme")


def problems_of(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    """Every problem in a file with that text."""
    with pytest.raises(ConfigError) as raised:
        config_of(folder, text)
    return raised.value.problems


def problems_if_any(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    """Every problem in a file with that text; none when it is valid."""
    try:
        config_of(folder, text)
    except ConfigError as error:
        return error.problems or pytest.fail("an error without a problem")
    return ()


def lines_of(folder: Path, text: str | bytes) -> list[str]:
    """Every problem as it is shown, but for the folder in front."""
    prefix = f"{folder.as_posix()}/"
    return [str(problem).removeprefix(prefix).replace(prefix, "") for problem in problems_of(folder, text)]
