"""The programs of the documentation that make stacks with the constructs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from email_stack.synthesis.toolchain import PROJECT_ROOT

__all__ = ["EXAMPLES", "blocks", "example"]

EXAMPLES: Final = ("README.md", "docs/constructs.md", "docs/scanning.md", "docs/sending.md")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def example(page: str) -> str:
    """The one program of a page that makes an app."""
    (code,) = [block for block in blocks(PROJECT_ROOT / page, "python") if "cdk.App()" in block]
    return code
