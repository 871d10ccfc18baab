"""HTML of a message, made safe to show: no script, no remote content, the message's own images in their places.

It is made at reading, and never stored: so a newer sanitiser works for old mail, too. Needs `nh3`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

import nh3

from mailroom.messages.html_pieces import html_pieces
from mailroom.messages.model import Attachment, Message

__all__ = ["safe_fragment", "safe_html", "shown_images"]

_TAGS: Final = (
    "a abbr address article b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q s samp section small span "
    "strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr"
)
_SHOWN: Final = frozenset(_TAGS.split())
_ON_ALL: Final = frozenset({"align", "dir", "lang", "style", "title", "valign"})
_ATTRIBUTES: Final = {
    "*": set(_ON_ALL),
    "a": {"href", "name"},
    "col": {"span", "width"},
    "font": {"color", "face", "size"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "width"},
    "td": {"bgcolor", "colspan", "height", "nowrap", "rowspan", "width"},
    "th": {"bgcolor", "colspan", "height", "nowrap", "rowspan", "width"},
    "tr": {"bgcolor", "height"},
}
_STYLES: Final = (
    # No style of these takes a URL, or draws outside its own box: mail must not write over the page around it.
    "background-color border border-bottom border-collapse border-color border-left border-radius border-right border-spacing "
    "border-style border-top border-width color direction font-family font-size font-style font-weight height letter-spacing "
    "line-height margin-bottom max-width min-width padding padding-bottom padding-left padding-right padding-top text-align "
    "text-decoration text-indent vertical-align white-space width word-break word-wrap"
)
_LOADING_STYLE: Final = re.compile(r"url|image|expression|import|[\\<>@]|/\*", re.IGNORECASE)
"""Words that load something in some program, and ways to hide them."""
_LENGTHS: Final = frozenset({"letter-spacing", "margin-bottom", "text-indent"})
"""Styles that draw outside their box when they are negative."""
_WORDS: Final = {
    **dict.fromkeys(_LENGTHS, frozenset({"auto", "inherit", "initial", "normal"})),
    "line-height": frozenset({"initial", "normal"}),
    "vertical-align": frozenset({"baseline", "bottom", "middle", "sub", "super", "text-bottom", "text-top", "top"}),
}
"""Styles with a check of their values; the other allowed styles pass unchecked."""
_LENGTH: Final = re.compile(r"(?:\d{1,5}+|\d{0,5}+\.\d{1,6}+)(?:px|pt|em|rem|%)?", re.ASCII)
_LINE_HEIGHT: Final = re.compile(r"[1-9](?:\.\d{1,6}+)?", re.ASCII)
"""A factor of one or more, and no length: elements within would inherit a length, and their font may be larger."""
_GROWING: Final = frozenset({"img", "table", "td", "th", "tr"})
"""Elements that are at least as high as their content."""
_HIDDEN_CONTENT: Final = frozenset(
    {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "head"}
)
_LINKS: Final = frozenset({"http", "https", "mailto", "tel"})
"""Schemes of links: a message has no base URL, so any other link leads into the application, with its user's session."""
_SCHEMES: Final = _LINKS | {"cid"}
_IMAGE_TYPES: Final = {
    **{kind: kind for kind in ("image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp")},
    **dict.fromkeys(("image/jpg", "image/pjpeg", "image/pjpg", "image/x-jpeg", "image/x-jpg"), "image/jpeg"),
    **dict.fromkeys(("image/x-png", "image/apng"), "image/png"),
    **dict.fromkeys(("image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"), "image/bmp"),
    "image/x-gif": "image/gif",
}
"""Pictures for browsers, by all names that senders use; SVG is left out, because it can have links and scripts."""
_FIRST_OCTETS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}


def safe_html(message: Message, address_of: Callable[[Attachment], str]) -> str:
    """The message's HTML, made safe for a page; "" without HTML.

    Links stay, but do not pass on the page's address and opener. Images of the message itself stay; all others are removed, so that
    no tracking pixel reports the opening.

    Put it into an element with the styles of docs/messages.md: without them, long words and right-to-left text leave the element.

    Args:
        message: the parsed message.
        address_of: gives the URL of an attachment that the HTML shows as an image: an https or data URL, or a path of the page's
            own host. Its argument has the content type of the attachment's bytes, not the sender's: serve it with that type and
            `X-Content-Type-Options: nosniff`.

    Raises:
        ValueError: `address_of` returned another kind of URL.

    Source: RFC 2392 for `cid:`; OWASP Cross Site Scripting Prevention Cheat Sheet.
    """
    images = {
        one.content_id: replace(one, content_type=_type_of(one))
        for one in message.attachments
        if one.content_id and one.content_type in _IMAGE_TYPES
    }

    # Known images get a mark of ours, which no sender can forge.
    mark = f"cid:{secrets.token_hex(16)}-"

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return None if _LOADING_STYLE.search(value) else _within_box(tag, value)
        scheme, _, content_id = value.strip().partition(":")
        if name == "href":
            return value if scheme.lower() in _LINKS else None
        if (tag, name) != ("img", "src"):
            return value
        # Fax gateways write the identifier alone.
        written = content_id if scheme.lower() == "cid" else value.strip()
        image = images.get(unquote(written).strip("<>"))
        return f"{mark}{image.path}" if image is not None else None

    cleaned = _cleaned(message.html, keep)
    for image in images.values():
        marked = f'src="{mark}{image.path}"'
        if marked in cleaned:
            address = address_of(image)
            if not address.startswith(("https://", "data:image/", "/")) or not set(address).isdisjoint("\"'<> "):
                raise ValueError(f"image {image.path}: address must be an https or data URL, got {address[:80]!r}")
            cleaned = cleaned.replace(marked, f'src="{address}"')
    return cleaned


def shown_images(message: Message) -> tuple[Attachment, ...]:
    """The attachments that `safe_html` shows as images; the others are files beside the text.

    Args:
        message: the parsed message.
    """
    ids: set[str] = set()

    def note(attachment: Attachment) -> str:
        ids.add(attachment.id)
        return "/"

    if message.html:
        safe_html(message, note)
    return tuple(one for one in message.attachments if one.id in ids)


def safe_fragment(html: str) -> str:
    """HTML of a signature, made safe by the same rules; it has no images, as it has no message to hold them."""

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return None if _LOADING_STYLE.search(value) else _within_box(tag, value)
        if name == "href":
            return value if value.strip().partition(":")[0].lower() in _LINKS else None
        return None if (tag, name) == ("img", "src") else value

    return _cleaned(html, keep)


def _cleaned(html: str, keep: Callable[[str, str, str], str | None]) -> str:
    # A parser's time is bounded for each piece, and for all of them together.
    return "".join(
        nh3.clean(
            piece,
            tags=set(_SHOWN),
            clean_content_tags=set(_HIDDEN_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=keep,
            strip_comments=True,
            link_rel="noopener noreferrer nofollow",
            url_schemes=set(_SCHEMES),
            filter_style_properties=set(_STYLES.split()),
        )
        for piece in html_pieces(html, _SHOWN)
    )


def _type_of(image: Attachment) -> str:
    """Content type by its first bytes, or else the sender's type, by its proper name."""
    first = bytes(image.data[:12])
    if first.startswith(b"RIFF") and first.endswith(b"WEBP"):
        return "image/webp"
    found = (kind for octets, kind in _FIRST_OCTETS.items() if first.startswith(octets))
    return next(found, _IMAGE_TYPES[image.content_type])


def _within_box(tag: str, style: str) -> str | None:
    """The declarations that draw nothing outside the element's box; None without any."""
    kept = []
    for declaration in style.split(";"):
        name, colon, value = (part.strip().lower() for part in declaration.partition(":"))
        if colon and _stays_within(tag, name, value):
            kept.append(declaration.strip())
    return ";".join(kept) or None


def _stays_within(tag: str, name: str, value: str) -> bool:
    if name == "height":
        return tag in _GROWING
    if name == "text-decoration":
        # A number would be the line's thickness.
        return not any(one.isdigit() for one in value)
    if name not in _WORDS or value in _WORDS[name]:
        return True
    if name == "line-height":
        return _LINE_HEIGHT.fullmatch(value) is not None
    return name in _LENGTHS and _LENGTH.fullmatch(value) is not None
