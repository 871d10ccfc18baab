"""HTML cut so that a sanitiser takes linear time for it.

A parser that follows the standard takes quadratic time for badly nested HTML, and writes quadratically much: it reopens unclosed
formatting in each paragraph. So a new piece begins, without open tags, where tags are nested deeper than in any honest message, or
more of them are reopened.

Source: HTML Living Standard, 13.2.4.3 (active formatting elements) and 13.2.6.4.7 (tags in the body).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from html import escape
from typing import Final

from mailroom.messages.html_tokens import HtmlToken, HtmlTokenKind, html_tokens

__all__ = ["html_pieces"]


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_DEEPEST: Final = 256
"""Browsers stop at 512."""
_FREE: Final = 65_536
_FREE_A_CHARACTER: Final = 4
_VOID: Final = frozenset({"br", "col", "hr", "img", "wbr"})
_FORMATTING: Final = _names("a b big code em font i s small strike strong tt u")
_ORDINARY: Final = _FORMATTING | _names("abbr bdi bdo cite del dfn ins kbd mark q samp span sub sup time var")
"""Ordinary elements of the standard, in contrast to its special ones: closing tags reach through ordinary ones only."""
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS: Final = _HEADINGS | _names(
    "address article blockquote center dd details div dl dt figcaption figure footer header "
    "hr li main ol p pre section summary table ul"
)
"""Elements that close an open paragraph."""
_SECTIONS: Final = frozenset({"caption", "col", "colgroup", "tbody", "tfoot", "thead"})
_HOLDERS: Final = {
    **dict.fromkeys(_SECTIONS, frozenset({"table"})),
    "col": frozenset({"colgroup", "table"}),
    "td": frozenset({"table", "tbody", "tfoot", "thead", "tr"}),
    "th": frozenset({"table", "tbody", "tfoot", "thead", "tr"}),
    "tr": frozenset({"table", "tbody", "tfoot", "thead"}),
}
"""Parts of a table, each with its allowed parents: other open elements are closed in front of it."""
_ROWS: Final = frozenset({"colgroup", "table", "tbody", "tfoot", "thead", "tr"})
_SIBLINGS: Final = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt")}
_FRAMES: Final = frozenset({"caption", "object", "table", "td", "th"})
"""Elements whose inner tags close no outer element."""
_FOREIGN: Final = frozenset({"math", "svg"})
_ENDS_FOREIGN: Final = _HEADINGS | _names(
    "b big blockquote br center code dd div dl dt em hr i img li ol p pre s small span strike strong sub sup table tt u ul var"
)
"""Elements that end a drawing which nothing closes; so does `font`, with an attribute of its own. 13.2.6.5."""
_OF_FONT: Final = re.compile(r"[^A-Za-z0-9_-](?:color|face|size)[^A-Za-z0-9_-]", re.IGNORECASE)
_NEVER_SHOWN: Final = frozenset({"iframe", "noscript", "script", "style", "title"})


def html_pieces(source: str, shown: frozenset[str]) -> Iterator[str]:
    """HTML documents that together show the content of `source`; nearly always one.

    Args:
        source: HTML, possibly hostile.
        shown: names of wanted elements; tags of others are left out, and their text stays.

    A parser's output for all pieces together is at most a few times the source, plus 64 KiB. Never raises.
    """
    nesting = _Nesting()
    out: list[str] = []
    read = skipping = 0
    for token in html_tokens(source):
        read += len(token.source)
        if token.name == "template" and not nesting.foreign:
            skipping = max(skipping + (1 if token.kind is HtmlTokenKind.START else -1), 0)
        elif skipping:
            continue
        elif token.kind is HtmlTokenKind.TEXT:
            # Escaped, so that no `<` of a text can begin a tag.
            out.append(token.source.replace("<", "&lt;"))
        elif token.kind is HtmlTokenKind.RAW:
            if token.name not in _NEVER_SHOWN:
                out.append(escape(token.source, quote=False))
        elif token.name in shown or token.name in _FOREIGN or _is_object(token, nesting):
            if nesting.cost > _FREE + _FREE_A_CHARACTER * read or nesting.depth >= _DEEPEST:
                yield "".join(out)
                out.clear()
                nesting.forget()
            if nesting.takes(token):
                out.append(token.source)
    yield "".join(out)


def _is_object(token: HtmlToken, nesting: _Nesting) -> bool:
    """Within a drawing it is another element, but for its closing tag."""
    return token.name == "object" and (token.kind is HtmlTokenKind.END or not nesting.foreign)


class _Frame:
    """Open elements within a table or a cell."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.left: defaultdict[str, list[int]] = defaultdict(list)
        """Tag sizes of formatting that another element's tag closed, and that will be reopened."""


class _Nesting:
    """The open elements of the standard's parser, and a bound of the characters that reopening has written so far."""

    def __init__(self) -> None:
        self.cost = 0
        self.forget()

    def forget(self) -> None:
        """Forget all open elements."""
        self._open: list[tuple[str, int]] = []
        self._frames = [_Frame()]
        self._tables = 0
        # Characters of all formatting tags without their own closing tag.
        self._waiting = 0

    @property
    def foreign(self) -> bool:
        """Whether the position is within a drawing or a formula, where names have other meanings."""
        within = self._frames[-1].open
        return within["svg"] + within["math"] > 0

    @property
    def depth(self) -> int:
        """Number of open elements."""
        return len(self._open)

    def takes(self, token: HtmlToken) -> bool:
        """Note the tag; False where the tag has no meaning."""
        if token.kind is HtmlTokenKind.END:
            self._end(token.name)
            return True
        if token.name in _ENDS_FOREIGN or (token.name == "font" and _OF_FONT.search(token.source)):
            self._end_foreign()
        return self._start(token.name, len(token.source))

    def _start(self, name: str, size: int) -> bool:
        if name in _HOLDERS and not self._make_room_in_table(name):
            return False
        if name not in _HOLDERS:
            self._close_implied(name)
        if name in _VOID:
            return True
        if name not in _FORMATTING:
            size = 0
        self._waiting += size
        self._open.append((name, size))
        self._frames[-1].open[name] += 1
        self._tables += name == "table"
        if name in _FRAMES:
            self._frames.append(_Frame())
        return True

    def _make_room_in_table(self, name: str) -> bool:
        """Close the elements between this part of a table and its place; False outside of a table."""
        if not self._tables:
            return False
        at = len(self._open)
        while self._open[at - 1][0] not in _HOLDERS[name]:
            at -= 1
        if at < len(self._open):
            self._charge()
            self._close_from(at)
        return True

    def _close_implied(self, name: str) -> None:
        """Close the elements that this start tag closes implicitly."""
        within = self._frames[-1].open
        if name in _SIBLINGS and any(within[one] for one in _SIBLINGS[name]):
            self._close_sibling(name)
        if name in _BLOCKS and within["p"]:
            self._charge()
            self._close_within("p")
        if name in _HEADINGS and self._open and self._open[-1][0] in _HEADINGS:
            self._charge()
            self._close_from(len(self._open) - 1)
        if name == "a" and within["a"]:
            self._charge()
            self._close_within("a")
        if (self._open and self._open[-1][0] in _ROWS) or self.foreign:
            # It is moved in front of the table, or ends the drawing.
            self._charge()

    def _end_foreign(self) -> None:
        if self.foreign:
            self._charge()
        while self.foreign:
            self._close_from(len(self._open) - 1)

    def _close_sibling(self, name: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            self.cost += 1
            found = self._open[at][0]
            if found in _SIBLINGS[name]:
                self._charge()
                self._close_from(at)
                return
            if found not in _ORDINARY and found not in {"address", "div", "p"}:
                return

    def _end(self, name: str) -> None:
        if self._open and self._open[-1][0] == name:
            self._waiting -= self._pop()
            return
        self._charge()
        if name in {"br", "p"}:
            self._end_foreign()
        frame = self._frames[-1]
        if frame.open[name]:
            self._close_within(name)
        elif frame.left[name]:
            self._waiting -= frame.left[name].pop()
        elif name in _HOLDERS or name in _FRAMES:
            self._close_part(name)

    def _close_within(self, name: str) -> None:
        """Close the innermost of that name: with all in it, or alone where it is formatting that overlaps others."""
        for at in range(len(self._open) - 1, -1, -1):
            found = self._open[at][0]
            if found == name:
                break
            if name in _ORDINARY and name not in _FORMATTING and found not in _ORDINARY:
                return
        if name in _FORMATTING:
            self._waiting -= self._pop(at)
        else:
            self._close_from(at)

    def _close_part(self, name: str) -> None:
        """Close a table or an object, or a part of the innermost table, whose content is still open."""
        for at in range(len(self._open) - 1, -1, -1):
            found = self._open[at][0]
            if found == name:
                self._close_from(at)
            if found in {name, "table"}:
                return

    def _close_from(self, at: int) -> None:
        """Close this and all in it; its formatting waits to be opened anew."""
        while len(self._open) > at:
            name, size = self._open[-1]
            self._pop()
            if size:
                self._frames[-1].left[name].append(size)

    def _pop(self, at: int = -1) -> int:
        name, size = self._open.pop(at)
        self._tables -= name == "table"
        if name in _FRAMES:
            self._frames.pop()
        self._frames[-1].open[name] -= 1
        return size

    def _charge(self) -> None:
        self.cost += self._waiting + len(self._open)
