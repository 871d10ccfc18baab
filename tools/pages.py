"""Adds to the site what is no file in docs/: the README as its first page, and a page of the API for each public package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

__all__ = ["on_files"]

_ROOT: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = ("mailroom", "constructs_lib")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by MkDocs once it knows the files of docs/."""
    readme = (_ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    files.append(File.generated(config, "index.md", content=readme))
    for package in _PACKAGES:
        files.append(File.generated(config, f"api/{package}.md", content=_api_page(package)))
    return files


def _api_page(package: str) -> str:
    """The package's docstring, and a section for each public name."""
    if str(_ROOT) not in sys.path:
        sys.path.insert(0, str(_ROOT))
    names = dir(importlib.import_module(package))
    head = f"# {package}\n\n::: {package}\n    options: {{members: false, show_root_heading: false, show_root_toc_entry: false}}\n"
    return "\n".join([head, *(f"::: {package}.{name}\n" for name in names)])
