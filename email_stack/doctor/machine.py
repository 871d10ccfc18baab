"""Reads this machine's tools: the project's own, and the builder of the scanner's image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any, Final

from email_stack.synthesis.toolchain import PROJECT_ROOT, ToolchainError, cdk_command, node_executable

__all__ = ["BUILDERS", "builder", "builders", "cdk_version", "node_version"]

BUILDERS: Final = ("docker", "podman", "finch")
"""Programs that build images for the CDK."""

_SECONDS: Final = 20


def builder() -> str:
    """The program that the CDK runs to build an image."""
    return os.environ.get("CDK_DOCKER") or "docker"


def builders() -> frozenset[str]:
    """The image builders on PATH."""
    return frozenset(name for name in (*BUILDERS, builder()) if shutil.which(name) is not None)


def cdk_version() -> tuple[str, str]:
    """The version of the CDK CLI that is installed, and the one that package-lock.json pins.

    Raises:
        ToolchainError: it is not installed, or not whole.
    """
    cdk_command()
    installed = _read("node_modules/aws-cdk/package.json")
    locked = _read("package-lock.json")["packages"]["node_modules/aws-cdk"]
    return str(installed["version"]), str(locked["version"])


def node_version() -> tuple[str, str]:
    """Node's version, and the version that the CDK CLI requires.

    Raises:
        ToolchainError: it is not installed, or does not run.
    """
    node = node_executable()
    wanted = str(_read("node_modules/aws-cdk/package.json").get("engines", {}).get("node", ">= 18"))
    try:
        said = subprocess.run(  # noqa: S603 - the project's own Node
            [node, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainError(f'node: {node} does not run, got {error}; run "make install"') from error
    return said.stdout.strip().removeprefix("v"), wanted


def _read(path: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((PROJECT_ROOT / path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolchainError(f'{path}: cannot be read, got {error}; run "make install"') from error
    return content
