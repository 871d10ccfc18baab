"""Common parts of self-contained HTML pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

__all__ = ["content_digest", "environment", "page_text", "style_of"]


def page_text(package: str, name: str) -> str:
    """A file of a package, such as a template."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def style_of(package: str, name: str) -> str:
    """A style sheet, with the common colours, light and dark, in front."""
    return page_text(__name__, "palette.css") + page_text(package, name)


def content_digest(text: str) -> str:
    """The hash of a style or script for a Content-Security-Policy. Source: W3C, CSP Level 3, 2.3.1."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def environment(finalize: Callable[[Any], Any] | None = None) -> Environment:
    """A Jinja environment that escapes values and refuses undefined ones.

    Args:
        finalize: changes each value before it is escaped. Default: no change.
    """
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=finalize
    )
