"""The files of a config."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from email_stack.config.document import Document, DocumentError, Position, read
from email_stack.config.problems import Fault, Problem

__all__ = ["CELLS_FILES", "Sources", "problem_of_file", "read_sources"]

CELLS_FILES: Final = ("cells.yaml", "cells.yml")
_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(slots=True)
class Sources:
    """The files that were read.

    Args:
        whole: the one file of the whole-file form; None in the folder form.
        cells: in the folder form, the file of the cells; None when it is missing or cannot be read.
        tenants: in the folder form, one file a tenant, sorted by name.
        problems: files that cannot be read.
    """

    whole: Document | None = None
    cells: Document | None = None
    tenants: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_sources(path: Path) -> Sources:
    """Read the file, or every `*.yaml` and `*.yml` of the folder itself, sorted by name. Hidden files do not count."""
    sources = Sources()
    if not path.is_dir():
        sources.whole = _read(path, sources)
        return sources
    name = shown_path(path)
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and not p.name.startswith("."))
    home = path.resolve()
    cells = [file for file in found if file.name in CELLS_FILES]
    if len(cells) != 1:
        what = "the folder has both cells.yaml and cells.yml" if cells else "the folder has no cells.yaml"
        remedy = "keep one of the two" if cells else "write the cells into it, under the key cells"
        sources.problems.append(Problem(name, 1, 1, "", None, what, remedy, ""))
    for file in found:
        if file.is_dir():
            continue
        if file.is_symlink() and not file.resolve().is_relative_to(home):
            fault = Fault("is a symbolic link to outside of the folder", "put the file itself here")
            sources.problems.append(problem_of_file(shown_path(file), fault, Position(1, 1)))
            continue
        document = _read(file, sources)
        if document is None:
            continue
        if file in cells:
            sources.cells = document
        else:
            sources.tenants.append(document)
    return sources


def shown_path(path: Path) -> str:
    """The path for messages: relative to the working folder when it is below it."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - not resolved: links keep the name that the user gave
    try:
        return absolute.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return path.as_posix()


def problem_of_file(file: str, fault: Fault, position: Position) -> Problem:
    """A problem of a file as a whole."""
    return Problem(file, position.line, position.column, "", fault.value, f"the file {fault.message}", fault.remedy, "")


def _read(path: Path, sources: Sources) -> Document | None:
    name = shown_path(path)
    try:
        document = read(path, name)
    except DocumentError as error:
        sources.problems.append(problem_of_file(name, error.fault, error.position))
        return None
    sources.problems += [problem_of_file(name, fault, position) for fault, position in document.repeated]
    return document
