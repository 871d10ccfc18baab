"""The words of an HTML body, for lists, search and threads. Pure; for showing HTML see `mailroom.messages.html`."""

from __future__ import annotations

import html
import re
from typing import Final

from mailroom.messages.html_tokens import HtmlTokenKind, html_tokens

__all__ = ["text_of_html"]

_MOST_CHARACTERS: Final = 5_000_000
_SILENT: Final = frozenset({"iframe", "noscript", "script", "style", "template", "title"})
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"})
_LINES: Final = frozenset(
    {"br", "div", "tr", "li", "hr", "dt", "dd", "section", "article", "address", "header", "footer", "center"}
)
_WHITE: Final = re.compile(r"[ \t\r\n\f]++")
_MANY_LINES: Final = re.compile(r"\n{3,}+")
_LONG_NUMBER: Final = re.compile(r"&#([0-9]{8,}+)")


def text_of_html(source: str) -> str:
    """The visible text of HTML: no tags, no style, no script; one line for each line and an empty one between paragraphs.

    Quotations begin with "> ". Never raises; takes linear time, and reads no more than the first five million characters.
    """
    source = source[:_MOST_CHARACTERS]
    out: list[str] = []
    for token in html_tokens(source):
        name = token.name
        if token.kind is HtmlTokenKind.TEXT or (token.kind is HtmlTokenKind.RAW and name not in _SILENT):
            words = _WHITE.sub(" ", _unescaped(token.source)).replace("\xa0", " ")
            if words := words.lstrip() if not out or out[-1].endswith("\n") else words:
                out.append(words)
            continue
        closing = token.kind is HtmlTokenKind.END
        if name in _PARAGRAPHS:
            out.append("\n\n")
        elif (name == "br" and not closing) or (name in _LINES and out and not out[-1].endswith("\n")):
            out.append("\n")
        elif name in {"td", "th"} and closing:
            out.append(" ")
        if name == "blockquote":
            out.append(_MARKS[not closing])
    text = "\n".join(line.strip(" \t") for line in "".join(out).split("\n"))
    text = _MANY_LINES.sub("\n\n", text).strip()
    return f"{_with_quotations(text)}\n" if text else ""


def _unescaped(piece: str) -> str:
    """The text with decoded character references. Python refuses numbers of thousands of digits, and is slow for fewer."""
    return html.unescape(_LONG_NUMBER.sub(_short_number, piece)) if "&" in piece else piece


def _short_number(match: re.Match[str]) -> str:
    """The same reference with fewer digits; all numbers beyond Unicode become its first invalid one."""
    digits = match[1].lstrip("0")
    return f"&#{digits or '0'}" if len(digits) <= 7 else "&#1114112"


_BEGIN: Final = "\ue000"
_END: Final = "\ue001"
_MARKS: Final = {True: f"{_BEGIN}\n", False: f"{_END}\n"}


def _with_quotations(text: str) -> str:
    """Put "> " in front of the lines between the marks."""
    if _BEGIN not in text:
        return text.replace(_END, "")
    depth = 0
    lines: list[str] = []
    for line in text.split("\n"):
        depth = min(max(depth + line.count(_BEGIN) - line.count(_END), 0), 10)
        ends = _END in line
        while ends and lines and lines[-1] and not lines[-1].strip("> "):
            lines.pop()
        plain = line.replace(_BEGIN, "").replace(_END, "")
        if plain == "" and plain != line:
            continue
        lines.append(f"{'> ' * depth}{plain}".rstrip() if depth else plain)
    return "\n".join(lines).strip("\n")
