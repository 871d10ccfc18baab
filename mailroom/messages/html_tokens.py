"""Tags and text of HTML, as browsers tell one from the other. Linear: each character is looked at once.

Source: HTML Living Standard, 13.2.5 (tokenization).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

__all__ = ["HtmlToken", "HtmlTokenKind", "html_tokens"]


class HtmlTokenKind(Enum):
    """What a piece of HTML is."""

    TEXT = "text"
    """Characters, with their references as they were written; a `<` in it opens nothing."""
    START = "start"
    END = "end"
    RAW = "raw"
    """What stands within an element that holds no tags, such as `style`."""


class HtmlToken(NamedTuple):
    """A piece of HTML."""

    kind: HtmlTokenKind
    name: str
    """The element's, in lower case; "" for text."""
    source: str
    """As it was written; for `RAW` the content alone."""


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
    # Nothing ends it.
    "plaintext": re.compile("(?!)"),
}


def html_tokens(source: str) -> Iterator[HtmlToken]:
    """The tags and the text of it, in order; comments, declarations and what is cut within a tag are left out. Never raises."""
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
    """Where the tag ends whose name ends here; 0 where nothing ends it, and so the rest is not shown, as in browsers."""
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
    """Where a comment or a declaration ends; 0 for one that nothing ends: it hides the rest, as in browsers."""
    if not source.startswith("<!--", opened):
        return source.find(">", opened) + 1
    if source.startswith((">", "->"), opened + 4):
        return source.index(">", opened) + 1
    ended = _COMMENT_END.search(source, opened + 4)
    return ended.end() if ended else 0
