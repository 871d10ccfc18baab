"""Script in HTML and SVG files. Pure."""

from __future__ import annotations

import html
import re
from typing import Final

from mailroom.scanning.active.beginnings import behind_declarations

__all__ = ["has_script", "is_markup"]

_NAMES: Final = frozenset({"htm", "html", "shtm", "shtml", "svg", "svgz", "xht", "xhtml", "xml", "xsl", "xslt"})
_TYPES: Final = frozenset(
    {"application/xhtml+xml", "application/xml", "image/svg+xml", "text/html", "text/xml", "text/xsl"}
)
_BEGIN: Final = re.compile(
    r"<(?:!doctype\s{1,40}+(?:html|svg)|(?:[a-z_][\w.-]{0,40}+:)?(?:html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p"
    r"|svg|meta|base|object|embed|form|img|link|center|span)[\s/>])",
    re.IGNORECASE,
)
"""Source: MIME Sniffing Standard, 7.1; and further elements that pages begin with."""
_ESCAPES: Final = re.compile(rb"\x1b[$(]{1,2}+[@-Z]")
"""Escape sequences of ISO-2022, which are no characters."""
_SCRIPT: Final = re.compile(rb"<(?:[a-z_][\w.-]{0,40}+:)?script[\s/>][^>]{0,2000}+", re.IGNORECASE)
_DATA_TYPE: Final = re.compile(
    rb"\stype\s{0,40}+=\s{0,40}+[\"']?(?:application/(?:ld\+)?json|text/(?:x-template|template|plain|html|x-handlebars-template))"
    rb"(?:[\"'\s]|\Z)",
    re.IGNORECASE,
)
"""Types of data blocks, which no browser runs. Source: HTML Living Standard, 4.12.1."""
_HANDLER: Final = re.compile(
    rb"[\s/\"']on(?:abort|activate|after|animation|aux|before|begin|blur|bounce|can|cell|change|click|close|contextm|control|copy|cue"
    rb"|cut|data|dblclick|drag|drop|duration|emptied|end|error|filter|finish|focus|form|fullscreen|got|hash|help|input|invalid|key"
    rb"|language|layout|load|lost|message|mouse|move|offline|online|page|paste|pause|play|pointer|popstate|progress|property|rate"
    rb"|ready|repeat|reset|resize|row|scroll|search|security|seek|select|show|slot|stalled|start|stop|storage|submit|suspend|sync"
    rb"|time|toggle|touch|transition|unhandled|unload|volume|waiting|webkit|wheel|zoom)[a-z]{0,30}+\s{0,40}+=",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"[=(:;,\s\"'](?:javascript|vbscript|livescript)\s{0,40}+:"
    r"|[\"'=(]\s{0,40}+data\s{0,40}+:\s{0,40}+(?:text/html|image/svg|application/xhtml|text/xml|application/xml|text/javascript)",
    re.IGNORECASE,
)
_ELEMENTS: Final = re.compile(
    rb"<(?:[a-z_][\w.-]{0,40}+:)?(?:object|embed|applet|frame|iframe|handler|listener)[\s/>]|[\s\"'/]srcdoc\s{0,40}+=",
    re.IGNORECASE,
)
_BREAKS: Final = re.compile(r"[\x01-\x08\t\n\r]{1,40}+")
_HEAD: Final = 65_536
_MOST: Final = 64_000_000


def is_markup(data: bytes, filename: str = "", content_type: str = "") -> bool:
    """Whether a browser shows the file when it is opened."""
    if filename.rpartition(".")[2].strip().lower() in _NAMES or content_type in _TYPES:
        return True
    return _BEGIN.match(behind_declarations(data[:_HEAD])) is not None


def has_script(data: bytes) -> bool:
    """Whether a browser may run a script in the file. Scripts that few browsers run count as well.

    Source: HTML Living Standard, 4.12.1 and 8.1.8; SVG 2, "Scripting and interactivity".
    """
    if len(data) > _MOST:
        return True
    text = data.translate(None, b"\0")
    if b"\x1b" in text:
        text = _ESCAPES.sub(b"", text)
    if any(not _DATA_TYPE.search(found[0]) for found in _SCRIPT.finditer(text)):
        return True
    if _ELEMENTS.search(text) or _HANDLER.search(text):
        return True
    # Character references and line ends in a URL hide its scheme from readers that are no browsers.
    plain = html.unescape(text.decode("latin-1"))
    return _ADDRESS.search(plain) is not None or _ADDRESS.search(_BREAKS.sub("", plain)) is not None
