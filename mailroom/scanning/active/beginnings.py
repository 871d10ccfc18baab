"""The beginning of a text, behind declarations that readers skip. Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["behind_declarations"]

_LINE_COMMENT: Final = re.compile(r"(?:rem\s|::|;)[^\r\n]{0,500}+", re.IGNORECASE)
_MOST: Final = 200
"""Most declarations and comments that are skipped."""
_SPACES: Final = " \t\r\n\f\v\ufeff"


def behind_declarations(head: bytes, *, comments: bool = False) -> str:
    """The beginning of a file as text, from the first element or word on: without marks of the charset, white space, declarations
    of XML and its comments.

    Args:
        head: beginning of the file, in UTF-8, UTF-16 or UTF-32.
        comments: whether comment lines of Windows scripts and settings are skipped, too. Default: no.
    """
    if b"\0" in head:
        head = head.translate(None, b"\0\xff\xfe")
    text = head.decode("latin-1").removeprefix("\u00ef\u00bb\u00bf")
    at = 0
    for _ in range(_MOST):
        while at < len(text) and text[at] in _SPACES:
            at += 1
        if text.startswith("<!--", at):
            end = text.find("-->", at)
        elif text.startswith("<?", at):
            end = text.find("?>", at)
        elif comments and (line := _LINE_COMMENT.match(text, at)) is not None:
            at = line.end()
            continue
        else:
            break
        if end < 0:
            break
        at = text.index(">", end) + 1
    return text[at:]
