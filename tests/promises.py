"""Promises of the documents, and their rows in `docs/promises.md`: the rules of `tests/test_promises.py`.

A document is read as blocks of prose: paragraphs, list items, and cells of tables, without code and headings. A block is divided
into sentences. A sentence promises if it has a number, or one of the words that leave no exception.

Two things are no part of a sentence: a page that it only points to (`..., never delivered: [docs/scanning.md](...)`), and a link
that stands alone in parentheses. Code counts as words to compare, and its contents promise nothing.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = [
    "ABSOLUTE",
    "STRICT",
    "Promise",
    "blocks",
    "holder_problem",
    "is_quoted",
    "promising",
    "read_promises",
    "sentences",
    "unheld",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRICT: Final = _words(
    """all alone always any anybody anything anywhere cannot each entire entirely ever every everybody everyone everything
    everywhere exactly guarantee guaranteed guarantees however impossible neither never no nobody none nor nothing nowhere once one
    only same whatever whenever wherever whichever whoever without NUMBER"""
)
"""Words of a promise in the README. `NUMBER` stands for digits and for numbers that are written out."""

ABSOLUTE: Final = _words("always everybody exactly however never nobody nothing whatever whichever")
"""Words of a promise in pages that explain: there, "each" or "no" mostly tells what a thing is, and a figure is an example."""

_NUMBERS: Final = _words(
    """zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions billion billions
    twice thrice half double triple dozen dozens"""
)
_NAMES: Final = re.compile(
    r"\b(?:Python|RFCs?|ClamAV|Debian|[Dd]ecision|Route|WCAG|YAML|IDNA) v?[0-9][0-9.]*\b"  # Python 3.11, RFC 5321, Route 53
    r"|\b(?:[A-Z]+-?|v)[0-9][A-Za-z0-9]*\b|\bx86-64\b"  # S3, SHA-256, v2
)
_WORD: Final = re.compile(r"[A-Za-z]+|[0-9][0-9.,]*")
_CODE: Final = re.compile(r"`[^`]*`")
_IMAGE: Final = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_POINTER: Final = re.compile(r": \[[\w./-]+\.md\]\([^)]*\)(?=[.;]|$)")
_ASIDE: Final = re.compile(r" \(\[[^\]]*\]\([^)]*\)\)")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ITEM: Final = re.compile(r"\s*(?:[-*]|[0-9]+\.) ")
_END: Final = re.compile(r"(?:(?<=[.?!])|(?<=[.?!][\")])) (?=\S)")
_JOINTS: Final = frozenset({"and", "but"})
_SHORTEST: Final = 2
"""Words of the shortest sentence in a table: below that, a cell is a value. Words of the shortest quotation, too."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A row of `docs/promises.md`: what is promised in which document, and the tests that hold it."""

    document: str
    quoted: str
    holders: tuple[str, ...]


def _plain(text: str) -> str:
    text = _ASIDE.sub("", _POINTER.sub("", _IMAGE.sub("", " ".join(text.split()))))
    return " ".join(_LINK.sub(r"\1", text).replace("**", "").split())


def _cells(row: str) -> list[str]:
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip()[1:].removesuffix("|"))]
    return [] if all(set(cell) <= set("-: ") for cell in cells) else cells


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The prose of a page, block by block, each behind the heading that it stands below."""
    heading, lines, fenced = "", list[str](), False
    for line in [*page.splitlines(), ""]:
        fence = line.lstrip().startswith("```")
        if lines and (fence or not line.strip() or line.startswith(("#", "|")) or _ITEM.match(line)):
            yield heading, _plain(" ".join(lines))
            lines = []
        if fence:
            fenced = not fenced
        elif fenced or (not lines and line.startswith("    ")):
            continue
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif line.startswith("|"):
            yield from ((heading, _plain(cell)) for cell in _cells(line) if len(cell.split()) >= _SHORTEST)
        elif line.strip():
            lines.append(_ITEM.sub("", line, count=1).removeprefix("> ") if not lines else line)


def sentences(block: str) -> list[str]:
    """The sentences of a block; each ends at a full stop, question or exclamation mark outside of code."""
    codes = [code.span() for code in _CODE.finditer(block)]
    ends = [end.span() for end in _END.finditer(block) if not any(first < end.start() < last for first, last in codes)]
    starts = [0, *(last for _first, last in ends)]
    return [
        block[start:end] for start, end in zip(starts, [*(first for first, _last in ends), len(block)], strict=True)
    ]


def promising(sentence: str, words: frozenset[str]) -> set[str]:
    """The words and numbers that make a promise of a sentence; none of code, and no number of a name (`Python 3.11`, `S3`)."""
    found = {word.lower().rstrip(".,") for word in _WORD.findall(_NAMES.sub(" ", _CODE.sub(" ", sentence)))}
    numbers = {word for word in found if word[0].isdigit() or word in _NUMBERS}
    return (found & words) | (numbers if "NUMBER" in words else set())


def read_promises(page: str) -> list[Promise]:
    """The rows of `docs/promises.md`: below the name of each document, a table of quotations and of tests, as code."""
    found, document = list[Promise](), ""
    for line in page.splitlines():
        if line.startswith("## "):
            document = line.removeprefix("## ").strip("` ")
        elif document and line.startswith("|") and (cells := _cells(line)) and cells[0] != "promise":
            quoted, held_by = cells
            found.append(Promise(document, _plain(quoted).rstrip(".:;"), tuple(re.findall(r"`([^`]+)`", held_by))))
    return found


def _within(quoted: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(quoted)}(?!\w)")


def _is_covered(sentence: str, quotations: list[str]) -> bool:
    rest = sentence
    for quoted in sorted(quotations, key=len, reverse=True):
        rest = _within(quoted).sub(" ", rest)
    return {word.lower() for word in re.findall(r"\w+", rest)} <= _JOINTS


def unheld(page: str, promises: list[Promise], words: frozenset[str], whole: tuple[str, ...] = ()) -> list[str]:
    """Sentences that promise and that no rows quote from their first word to their last.

    Args:
        page: the document's text.
        promises: its rows.
        words: those that make a promise.
        whole: headings below which every sentence is one, whatever its words.
    """
    quotations = [promise.quoted for promise in promises]
    return [
        sentence
        for heading, block in blocks(page)
        for sentence in sentences(block)
        if (heading in whole or promising(sentence, words)) and not _is_covered(sentence, quotations)
    ]


def is_quoted(page: str, promise: Promise) -> bool:
    """Whether what a row quotes still stands in its document, within one block; a few words are no quotation."""
    if len(promise.quoted.split()) < _SHORTEST:
        return False
    return any(_within(promise.quoted).search(block) for _heading, block in blocks(page))


@functools.cache
def _tests(path: Path) -> frozenset[str]:
    """Test functions of a file by name, without those that are marked to be skipped or to fail."""
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not any(re.search(r"\bmark\.(?:skip|xfail)\b", ast.unparse(mark)) for mark in node.decorator_list)
    )


def holder_problem(root: Path, holder: str) -> str:
    """The fault in the name of a test, of a file of tests or of a folder of such files; "" for none."""
    name, _, function = holder.partition("::")
    path = root / name
    if not name.startswith("tests/") or not path.exists():
        return f"{holder}: there is no such file or folder of tests"
    files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    known = {test for file in files if file.suffix == ".py" for test in _tests(file)}
    if function and (path.is_dir() or function not in known):
        return f"{holder}: the file has no such test, or it is skipped"
    return "" if known else f"{holder}: there is no test in it"
