"""The body of a message, put together of its parts. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.messages.plain import text_of_html

__all__ = ["Block", "alternative", "html_of", "shows", "text_of"]

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that show nothing, though Unicode calls them letters or symbols."""
_SOON: Final = 100


@dataclass(slots=True)
class Block:
    """A stretch of the body: as plain text, as HTML, or as both."""

    text: str = ""
    html: str = ""


def shows(text: str) -> bool:
    """Whether a reader sees anything of it: a character that is neither white space nor of no width."""
    text = text.lstrip()
    # Nearly all text shows something soon; each character of the rest is looked at once.
    return any(map(_is_visible, text[:_SOON])) or any(map(_is_visible, set(text[_SOON:])))


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE and character not in _FILLERS


def text_of(blocks: Sequence[Block]) -> str:
    """The body as text: the text of each stretch, or else the text of its HTML; each on lines of its own."""
    out: list[str] = []
    for text in filter(None, (_words(block) for block in blocks)):
        if out and not out[-1].endswith("\n"):
            out.append("\n")
        out.append(text)
    return "".join(out)


def html_of(blocks: Sequence[Block]) -> str:
    """The body as HTML; "" without HTML. Text between stretches of HTML becomes HTML, so that no text is missing."""
    if not any(block.html for block in blocks):
        return ""
    return "\n".join(
        block.html or f"<pre>{_escaped(block.text)}</pre>" for block in blocks if block.html or shows(block.text)
    )


def alternative(forms: Sequence[Sequence[Block]]) -> list[Block]:
    """The body of alternative forms: the last form that is all text, and all forms with HTML, each of them whole.

    Forms without visible text are ignored. Without a form that is all text, the text is that of the last form with its HTML.

    Args:
        forms: the direct children of a multipart/alternative.

    Source: RFC 2046 5.1.4.
    """
    html = "\n".join(filter(None, (html_of(form) for form in forms)))
    plain = [form for form in forms if _is_text(form)]
    if plain:
        return [Block(text=text_of(plain[-1]), html=html)]
    if html:
        mixed = [form for form in forms if any(shows(block.text) for block in form)]
        return [Block(text=text_of(mixed[-1]) if mixed else "", html=html)]
    return [block for form in forms[-1:] for block in form]


def _is_text(form: Sequence[Block]) -> bool:
    """Whether a form is all text."""
    seen = [block for block in form if block.html or shows(block.text)]
    return bool(seen) and all(shows(block.text) for block in seen)


def _words(block: Block) -> str:
    return block.text if shows(block.text) or not block.html else text_of_html(block.html)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
