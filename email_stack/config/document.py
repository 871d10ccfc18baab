"""Reads one YAML file into plain data, with the position of each value.

The 1.2 core schema holds (https://yaml.org/spec/1.2.2/, 10.3), so `no`, `on` and `1_000` stay text. Tags, anchors, aliases, merge
keys, second documents and repeated keys are errors. The reader turns libyaml's events into data in one pass, without PyYAML's
resolver and constructor. Positions take a second pass, which runs only for a file with a problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from email_stack.config.problems import Fault, shown

__all__ = ["MAX_DEPTH", "MAX_FILE_BYTES", "Document", "DocumentError", "KeyPath", "Position", "parsed", "read"]

MAX_FILE_BYTES: Final = 16 * 2**20
"""Enough for some 50,000 tenants, and read within seconds."""

MAX_DEPTH: Final = 12
"""The deepest valid config has 7 levels: file, tenants, tenant, addresses, address, value and one to spare."""

KeyPath = tuple[str | int, ...]

_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

_CORE: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER: Final = re.compile(
    r"[-+]?[0-9]{1,18}"
    r"|0o[0-7]{1,20}"
    r"|0x[0-9a-fA-F]{1,16}"
    r"|[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?"
)
_NUMBER_STARTS: Final = frozenset("+-.0123456789")


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a value: line and column of its key or list item, from 1, and its text when it is a scalar."""

    line: int
    column: int
    text: str | None = None


class DocumentError(ValueError):
    """The file is not YAML, or has a part of YAML that this package refuses.

    Args:
        fault: the mistake at which reading ended.
        position: its place.
    """

    def __init__(self, fault: Fault, position: Position) -> None:
        super().__init__(fault)
        self.fault = fault
        self.position = position


@dataclass(frozen=True)
class Document:
    """The data of one file.

    Args:
        file: name of the file for messages.
        data: mappings as dict, lists as tuple, scalars as str, int, float, bool or None.
        text: the file's text.
        repeated: faults of repeated keys; `data` has the last one's value.
    """

    file: str
    data: dict[str, Any]
    text: str = field(repr=False)
    repeated: tuple[tuple[Fault, Position], ...] = ()

    @cached_property
    def _positions(self) -> dict[KeyPath, Position]:
        positions: dict[KeyPath, Position] = {}
        _Builder(self.text, positions).document()
        return positions

    def position(self, path: KeyPath) -> Position:
        """The place of the value at `path`, or of the nearest value that contains the path."""
        while path and path not in self._positions:
            path = path[:-1]
        return self._positions.get(path, Position(1, 1))

    def text_at(self, path: KeyPath) -> str | None:
        """The scalar at `path` as the file has it, without its quotes."""
        found = self._positions.get(path)
        return None if found is None else found.text


def read(path: Path, file: str) -> Document:
    """Read one file.

    Args:
        path: the file.
        file: its name for messages.

    Raises:
        DocumentError: it cannot be read, is too big, not UTF-8 text, not one YAML mapping, or has a refused part of YAML.
    """
    try:
        if not path.is_file():  # a pipe or a device might never end
            what = "is no regular file" if path.exists() else "does not exist"
            _refuse(what, "name a YAML file, or a folder of them")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        _refuse(f"cannot be read: {error.strerror or type(error).__name__}", "check its name and its permissions")
    return parsed(_decoded(content), file)


def parsed(text: str, file: str) -> Document:
    """The document of a file's text. Raises DocumentError: it is not one YAML mapping, or has a refused part of YAML."""
    builder = _Builder(text, None)
    data = builder.document()
    return Document(file, data, text, tuple(builder.repeated))


def _decoded(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        _refuse(f"is larger than {MAX_FILE_BYTES // 2**20} MiB", "split it into a folder of one file a tenant")
    if content.startswith(_BYTE_ORDER_MARKS):
        _refuse("starts with a byte order mark", "save it as UTF-8 without BOM")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        position = _after(before)
        raise DocumentError(
            Fault(f"is not UTF-8: byte 0x{content[error.start]:02x}", "save it as UTF-8"), position
        ) from None
    if "\0" in text:
        raise DocumentError(Fault("holds a NUL character", "remove it"), _after(text[: text.index("\0")]))
    return text


def _after(before: str) -> Position:
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _refuse(message: str, remedy: str) -> NoReturn:
    raise DocumentError(Fault(message, remedy), Position(1, 1))


class _Builder:
    """Turns libyaml's events into data.

    Args:
        text: of the file.
        positions: filled with the position of every value when given.
    """

    _next: Callable[[], Any]
    """Takes the next event from libyaml."""

    def __init__(self, text: str, positions: dict[KeyPath, Position] | None) -> None:
        self._text = text
        self._positions = positions
        self.repeated: list[tuple[Fault, Position]] = []

    def document(self) -> dict[str, Any]:
        """The file's one mapping.

        Raises:
            DocumentError: the file has other content.
        """
        try:
            loader = yaml.CSafeLoader(self._text)
            self._next = loader.get_event
            try:
                return self._document()
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            raise DocumentError(
                Fault(
                    f"is not valid YAML: {error.problem or error.context}", "check indentation, colons and quotes here"
                ),
                _at(error.problem_mark or error.context_mark),
            ) from None
        except yaml.reader.ReaderError as error:
            # Its position counts bytes or characters, depending on where in libyaml it arose: the first bad one is found anew.
            bad = next((i for i, c in enumerate(self._text) if not c.isprintable() and c not in "\n\r\t"), 0)
            raise DocumentError(
                Fault(f"is not valid YAML: {error.reason}", "remove the character"), _after(self._text[:bad])
            ) from None

    def _document(self) -> dict[str, Any]:
        self._next()  # start of the stream
        event = self._next()
        if event.__class__ is yaml.StreamEndEvent:
            _refuse("is empty", "write cells and tenants into it, as docs/configuration.md shows")
        event = self._next()
        data = self._value(event, (), event, 0)
        if not isinstance(data, dict):
            self._fail(event, f"must be a mapping, got {kind(data)}", "write it as key: value")
        self._next()  # end of the document
        event = self._next()
        if event.__class__ is not yaml.StreamEndEvent:
            self._fail(event, "holds a second document", "write one document a file; remove what follows ---")
        return data

    def _value(self, event: Any, path: KeyPath, at: Any, depth: int) -> Any:
        """The value that `event` starts; `at` is the event that stands for it in messages."""
        cls = event.__class__
        if cls is yaml.AliasEvent or event.anchor is not None:
            self._fail(event, "uses an anchor or alias", "write the value out: they are not taken here")
        if event.tag is not None:
            self._fail(event, f"uses the tag {shown(event.tag)}", "drop it: types follow from the key")
        if self._positions is not None:
            mark = at.start_mark
            text = event.value if cls is yaml.ScalarEvent else None
            self._positions[path] = Position(mark.line + 1, mark.column + 1, text)
        if cls is yaml.ScalarEvent:
            return scalar(event.value) if event.implicit[0] else event.value
        if depth == MAX_DEPTH:
            self._fail(event, f"is nested deeper than {MAX_DEPTH} levels", "no setting is that deep")
        if cls is yaml.SequenceStartEvent:
            return self._list(path, depth)
        return self._mapping(path, depth)

    def _list(self, path: KeyPath, depth: int) -> tuple[Any, ...]:
        items: list[Any] = []
        while (event := self._next()).__class__ is not yaml.SequenceEndEvent:
            items.append(self._value(event, (*path, len(items)), event, depth + 1))
        return tuple(items)

    def _mapping(self, path: KeyPath, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        while (event := self._next()).__class__ is not yaml.MappingEndEvent:
            if event.__class__ is not yaml.ScalarEvent:
                self._fail(
                    event,
                    "has a key that is not text",
                    "write key: value; put text that starts with [, { or * in quotes",
                )
            key = event.value
            if event.anchor is not None or event.tag is not None:
                self._fail(event, "has a key with an anchor or a tag", "write the key alone")
            if key == "<<" and event.implicit[0]:
                self._fail(event, "uses a merge key", "write the values out: << is not taken here")
            if key in found:
                fault = Fault(f"has the key {shown(key)} twice, first in line {first[key]}", "keep one of the two")
                self.repeated.append((fault, _start(event)))
            first[key] = _start(event).line
            found[key] = self._value(self._next(), (*path, key), event, depth + 1)
        return found

    def _fail(self, event: Any, message: str, remedy: str) -> NoReturn:
        raise DocumentError(Fault(message, remedy), _start(event))


def _start(event: Any) -> Position:
    return _at(event.start_mark)


def _at(mark: Any) -> Position:
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def scalar(text: str) -> str | int | float | bool | None:
    """An unquoted scalar by the YAML 1.2 core schema; `.inf`, `.nan` and numbers past 18 digits stay text."""
    if text in _CORE:
        return _CORE[text]
    if text[0] not in _NUMBER_STARTS or not _NUMBER.fullmatch(text):
        return text
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def kind(value: object) -> str:
    """The kind of a value, in the words of YAML."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple | list):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "nothing" if value is None else "text" if isinstance(value, str) else "a number"
