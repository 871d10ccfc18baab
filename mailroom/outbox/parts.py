"""MIME parts of a message, in ASCII, which SES accepts and no relay changes. Pure.

Source: RFC 2045 (6), RFC 2046 (5.1), RFC 2387, RFC 2183; SES developer guide, "Sending raw email": encoding of 8-bit content.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.outbox.fields import ids_field, line_of, parameters_field
from mailroom.outbox.model import OutgoingFile

__all__ = ["Part", "file_part", "multipart", "text_part"]

_LINE_END: Final = re.compile(r"\r\n?")
_LONGEST_LINE: Final = 998
_BASE64_LINE: Final = 57
_NAME: Final = r"[A-Za-z0-9!#$&^_.+-]{1,127}+"
_TYPE: Final = re.compile(rf"({_NAME})/({_NAME})(?=[ \t]*+(?:;|\Z))")
_PARAMETER: Final = re.compile(rf'[ \t]*+;[ \t]*+({_NAME})=(?:({_NAME})|"([^"\\\r\n\x00]*+)")(?=[ \t]*+(?:;|\Z))')
_ID: Final = re.compile(r"[!-;=?-~]{1,250}+")


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its fields, each ending in CRLF, and its body."""

    fields: bytes
    body: bytes

    @property
    def data(self) -> bytes:
        """Fields and body, with the empty line between them."""
        return self.fields + b"\r\n" + self.body


def text_part(field: str, subtype: str, text: str) -> Part:
    """A text part in UTF-8. Raises ValueError, with the field, for half a character."""
    data = _octets(field, text)
    encoding, body = _encoded(data)
    kind = parameters_field("Content-Type", f"text/{subtype}", [("charset", "utf-8")])
    return Part(kind + _encoding(encoding), body)


def file_part(field: str, file: OutgoingFile) -> Part:
    """A file part: inline with a content id, else an attachment.

    Raises:
        ValueError: its type is invalid, or that of a message; its name is not one line; its content id has invalid characters.
    """
    kind, parameters = _type(field, file.content_type)
    if kind.startswith(("multipart/", "message/")):
        raise ValueError(f"outgoing: {field}: content_type must be that of a file, such as application/pdf")
    if (
        kind.startswith("text/")
        and "charset" not in {name.lower() for name, _ in parameters}
        and _is_beyond_ascii(file.data)
    ):
        parameters = [*parameters, ("charset", "utf-8")]
    name = line_of(f"{field}: filename", file.filename)
    disposition = "inline" if file.content_id else "attachment"
    fields = parameters_field("Content-Type", kind, parameters) + _encoding("base64")
    fields += parameters_field("Content-Disposition", disposition, [("filename", name)] if name else [])
    if file.content_id:
        if not _ID.fullmatch(file.content_id):
            raise ValueError(f"outgoing: {field}: content_id must be ASCII without brackets and white space")
        fields += ids_field("Content-ID", [file.content_id])
    return Part(fields, _base64(file.data))


def multipart(subtype: str, parts: Sequence[Part], boundary: str) -> Part:
    """The parts as one; a single part unchanged. No part may have a line with the boundary."""
    if len(parts) == 1:
        return parts[0]
    parameters = [("boundary", boundary)]
    if subtype == "related":
        parameters.append(("type", "text/html"))
    delimiter = f"--{boundary}".encode("ascii")
    body = b"".join(delimiter + b"\r\n" + part.data + b"\r\n" for part in parts) + delimiter + b"--\r\n"
    return Part(parameters_field("Content-Type", f"multipart/{subtype}", parameters), body)


def _octets(field: str, text: str) -> bytes:
    """The text in UTF-8, with line ends of one kind, and one at the end."""
    try:
        data = _LINE_END.sub("\n", text).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"outgoing: {field}: must be text, got half a character, U+{ord(text[error.start]):04X}; leave it out"
        ) from error
    return data if data.endswith(b"\n") else data + b"\n"


def _encoded(data: bytes) -> tuple[str, bytes]:
    """The most readable encoding of the bytes, and the encoded bytes."""
    # "=_" begins each boundary, and cannot occur in the other encodings.
    readable = data.isascii() and b"\0" not in data and b"=_" not in data
    if readable and max(map(len, data.split(b"\n"))) <= _LONGEST_LINE:
        return "7bit", data.replace(b"\n", b"\r\n")
    beyond = sum(octet > 126 for octet in data)
    if beyond * 3 > len(data):
        return "base64", _base64(data.replace(b"\n", b"\r\n"))
    return "quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")


def _base64(data: bytes) -> bytes:
    return b"".join(
        binascii.b2a_base64(data[at : at + _BASE64_LINE], newline=False) + b"\r\n"
        for at in range(0, len(data), _BASE64_LINE)
    )


def _encoding(name: str) -> bytes:
    return f"Content-Transfer-Encoding: {name}\r\n".encode("ascii")


def _type(field: str, text: str) -> tuple[str, list[tuple[str, str]]]:
    kind = _TYPE.match(text)
    if kind is None:
        raise ValueError(f"outgoing: {field}: content_type must be that of a file, such as application/pdf")
    parameters: list[tuple[str, str]] = []
    at = kind.end()
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            raise ValueError(f"outgoing: {field}: content_type: parameters must be like `; method=REPLY`")
        parameters.append((found[1], found[2] if found[2] is not None else found[3]))
        at = found.end()
    return kind[0].lower(), parameters


def _is_beyond_ascii(data: bytes) -> bool:
    """Whether the bytes are UTF-8 text beyond US-ASCII, the default charset."""
    if data.isascii():
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
