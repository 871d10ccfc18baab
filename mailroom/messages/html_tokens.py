"""Tags and text of HTML, divided as browsers do. Takes linear time: each character is read once.

Source: HTML Living Standard, 13.2.5 (tokenization).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

__all__ = ["HtmlToken", "HtmlTokenKind", "html_tokens"]


class HtmlTokenKind(Enum):
    """Kind of a piece of HTML."""

    TEXT = "text"
    """Characters, with unchanged references; a `<` in it opens no tag."""
    START = "start"
    END = "end"
    RAW = "raw"
    """Content of an element that has no tags, such as `style`."""


class HtmlToken(NamedTuple):
    """A piece of HTML."""

    kind: HtmlTokenKind
    name: str
    """Name of the element, in lower case; "" for text."""
    source: str
    """The source text; for `RAW` the content only."""


_SPACE: Final = "\t\n\f\r "
_TAG_NAME: Final = re.compile(rf"<(/?)([A-Za-z][^{_SPACE}/>]*+)")
_BETWEEN: Final = re.compile(rf"[{_SPACE}/]*+")
_ATTRIBUTE_NAME: Final = re.compile(rf"[^{_SPACE}/>][^{_SPACE}/>=]*+")
"""Its first character may be an equals sign."""
_EQUALS: Final = re.compile(rf"[{_SPACE}]*+=[{_SPACE}]*+")
_UNQUOTED: Final = re.compile(rf"[^{_SPACE}>]*+")
_COMMENT: Final = re.compile(r"<(?:[!?]|/[^A-Za-z])")
_COMMENT_END: Final = re.compile("--!?>")
_RAW: Final = ("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp")
_RAW_END: Final = {
    **{name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE | re.ASCII) for name in _RAW},
    # The tag is not closed.
    "plaintext": re.compile("(?!)"),
}


def html_tokens(source: str) -> Iterator[HtmlToken]:
    """Tags and text of HTML, in order, without comments, declarations and a cut tag at the end. Never raises."""
    at = text_from = 0
    while (opened := source.find("<", at)) >= 0:
        named = _TAG_NAME.match(source, opened)
        if named:
            at = _behind_attributes(source, named.end())
        elif _COMMENT.match(source, opened):
            at = _behind_comment(source, opened)
        else:
            at = opened + 1
            continue
        if opened > text_from:
            yield HtmlToken(HtmlTokenKind.TEXT, "", source[text_from:opened])
        if not at:
            return
        text_from = at
        if named is None:
            continue
        name = named[2].lower()
        yield HtmlToken(HtmlTokenKind.END if named[1] else HtmlTokenKind.START, name, source[opened:at])
        if name in _RAW_END and not named[1]:
            ended = _RAW_END[name].search(source, at)
            text_from = ended.start() if ended else len(source)
            yield HtmlToken(HtmlTokenKind.RAW, name, source[at:text_from])
            at = text_from
    if text_from < len(source):
        yield HtmlToken(HtmlTokenKind.TEXT, "", source[text_from:])


def _behind_attributes(source: str, at: int) -> int:
    """Position behind the tag whose name ends here; 0 for an unclosed tag, whose text browsers do not show."""
    while True:
        if between := _BETWEEN.match(source, at):
            at = between.end()
        if source.startswith(">", at):
            return at + 1
        attribute = _ATTRIBUTE_NAME.match(source, at)
        if attribute is None:
            return 0
        at = attribute.end()
        if equals := _EQUALS.match(source, at):
            at = equals.end()
            quote = source[at : at + 1]
            if quote and quote in "\"'":
                at = source.find(quote, at + 1) + 1
                if not at:
                    return 0
            elif value := _UNQUOTED.match(source, at):
                at = value.end()


def _behind_comment(source: str, opened: int) -> int:
    """Position behind a comment or declaration; 0 for an unclosed one, which hides the rest, as in browsers."""
    if not source.startswith("<!--", opened):
        return source.find(">", opened) + 1
    if source.startswith((">", "->"), opened + 4):
        return source.index(">", opened) + 1
    ended = _COMMENT_END.search(source, opened + 4)
    return ended.end() if ended else 0
