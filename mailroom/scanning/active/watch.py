"""Notes active content during the extraction of a message's parts. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mailroom.messages.mime import Part
from mailroom.messages.words import ignore_problem
from mailroom.scanning.active.documents import has_macros, is_onenote, onenote_files
from mailroom.scanning.active.markup import has_script, is_markup
from mailroom.scanning.active.names import names_within, risk_of_name, risk_of_type
from mailroom.scanning.active.pdf import is_pdf, pdf_acts, pdf_streams
from mailroom.scanning.active.programs import is_program
from mailroom.scanning.active.risks import Risk

__all__ = ["Noted", "Watch", "risks_of_content"]

_MOST: Final = 5000
"""Most notes of one message."""
_MESSAGES: Final = "message/"


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding of active content.

    Args:
        path: its place, as in `PartVerdict`.
        filename: the sender's name for it; "" without one.
        risks: the classes.
        sha256: of its bytes, in hexadecimal.
        size: number of its bytes.
    """

    path: str
    filename: str
    risks: tuple[Risk, ...]
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class _Said:
    """Facts from the header of a part."""

    names: tuple[str, ...]
    is_body: bool


@dataclass(slots=True)
class Watch:
    """Checks all extracted parts of a message, and keeps the findings."""

    found: dict[tuple[str, str], Noted] = field(default_factory=dict)
    _said: dict[str, _Said] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def part(self, path: str, part: Part) -> None:
        """Note a part before its bytes: all names that clients give it, and whether readers show it as the message's text."""
        fields = ("content-disposition", "content-type")
        written = [value for name in fields for value in part.header.every(name)]
        names = dict.fromkeys(name for value in written for name in names_within(value))
        disposition, filename = part.disposition(ignore_problem)
        is_text = part.kind.value in {"text/plain", "text/html"}
        self._said[path] = _Said(
            (filename, *names), is_text and not filename and not any(names) and disposition != "attachment"
        )

    def look(self, path: str, filename: str, data: bytes, content_type: str = "") -> None:
        """Check an extracted part."""
        if not data or len(self.found) >= _MOST:
            return
        said = self._said.get(path, _Said((), is_body=False))
        risks = {
            *_risks_of_names((filename, *said.names), content_type),
            *risks_of_content(data, filename, content_type, is_body=said.is_body),
        }
        if not risks:
            return
        digest = hashlib.sha256(data).hexdigest()
        named = filename or next((name for name in said.names if name), "")
        if ":" in path and not filename and digest in self._seen:
            return  # another reading of what was noted
        self._seen.add(digest)
        before = self.found.get((path, named))
        known = set(before.risks) if before else set()
        ordered = tuple(risk for risk in Risk if risk in risks | known)
        self.found[path, named] = Noted(path, named, ordered, digest, len(data))


def _risks_of_names(names: Iterable[str], content_type: str) -> Iterator[Risk]:
    given = [name for name in names if name]
    for name in given:
        risk = risk_of_name(name, of_message=content_type.startswith(_MESSAGES))
        if risk is not None:
            yield risk
    declared = risk_of_type(content_type)
    if declared is not None and not any("." in name for name in given):
        yield declared


def risks_of_content(
    data: bytes, filename: str = "", content_type: str = "", *, is_body: bool = False
) -> Iterator[Risk]:
    """The classes of active content in the bytes, independent of their name. Takes linear time.

    Args:
        data: any bytes.
        filename: the sender's name. Default: none.
        content_type: the sender's type. Default: none.
        is_body: whether it is the text of a message, which readers show without running it. Default: no.
    """
    if is_body:
        return
    if is_program(data):
        yield Risk.PROGRAMS
    if has_macros(data):
        yield Risk.MACROS
    if is_markup(data, filename, content_type) and has_script(data):
        yield Risk.WEB_SCRIPTS
    if is_onenote(data):
        yield from _risks_of_onenote(data)
    if is_pdf(data):
        yield from _risks_of_pdf(data)


def _risks_of_onenote(data: bytes) -> Iterator[Risk]:
    files = list(onenote_files(data))
    if files:
        yield Risk.ONENOTE_FILES
    if any(is_program(one) for one in files):
        yield Risk.PROGRAMS


def _risks_of_pdf(data: bytes) -> Iterator[Risk]:
    streams = list(pdf_streams(data))
    if pdf_acts(data, streams):
        yield Risk.PDF_ACTIONS
    if any(is_program(content) for content, _whole in streams):
        yield Risk.PROGRAMS
