"""Reads a message. Pure.

Never raises, for any bytes. Malformed parts are parsed as mail clients do, or kept unchanged, and noted among the problems. Time is
linear in the size of the message, and memory a small multiple of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mailroom.messages.addresses import MOST_ADDRESSES, addresses
from mailroom.messages.bodies import Block, alternative, html_of, shows, text_of
from mailroom.messages.charsets import decoded, decoded_html
from mailroom.messages.dates import read_date
from mailroom.messages.decoders import base64_body, lenient_base64, lenient_quoted_printable, uuencoded, with_lf
from mailroom.messages.envelope import read_envelope
from mailroom.messages.flowed import unflowed
from mailroom.messages.identifiers import identifiers_of
from mailroom.messages.kinds import kinds_of, report_of
from mailroom.messages.mime import MAX_PARTS, Header, Limits, Part, Problems, read_header, read_structure
from mailroom.messages.model import Address, Attachment, Message, Nested, Origin
from mailroom.messages.quotes import split_quoted
from mailroom.messages.smime import is_smime, signed_content
from mailroom.messages.specs import UNCLEAR
from mailroom.messages.tnef import TNEF_TYPES, is_tnef, tnef_body, tnef_files
from mailroom.messages.words import decoded_words

__all__ = ["MAX_NESTED", "MESSAGE_TYPES", "digest_of", "opened_files", "parse"]

MAX_NESTED: Final = 10
"""Depth of nested messages that are parsed; deeper ones are attachments."""
_OCTETS_IN_NESTED: Final = 4
"""Bytes of nested messages that may be parsed, as a multiple of the whole message."""

_OF_ITSELF: Final = (
    "message-id",
    "in-reply-to",
    "references",
    "date",
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "content-type",
)
_ONE_FIELD: Final = frozenset({"from", "sender", "reply-to"})
"""Fields that a message has once. RFC 5322 3.6."""
_MOST_RTF: Final = 2_000_000
"""Bytes of a body in RTF that are read."""
_MOST_THREAD_INDEX: Final = 1000
_PLAIN_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit"})
_TOKEN: Final = re.compile(r"\s*+\"?([^\s;(),\"]*+)")
MESSAGE_TYPES: Final = frozenset({"message/rfc822", "message/global", "message/news"})
"""Parts that are messages themselves."""
_LOOKS_LIKE_MESSAGE: Final = re.compile(rb"\s{0,10}+(?:>?From [^\r\n]*+[\r\n]++)?[!-9;-~]{1,80}+[ \t]{0,10}+:")
_LINE_ENDS: Final = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_ONE_WORD: Final = re.compile(r"\s*+<?([^\s<>]{1,998}+)>?\s*+")


def parse(raw: bytes) -> Message:
    """Parse bytes as a message; never raises.

    Args:
        raw: a message as it arrived, or an object of a tenant's bucket with SES's lines in front. Any bytes.

    Source: RFC 5322, RFC 2045 to 2049, RFC 2231, RFC 6532; and the practice of mail programs.
    """
    return _Reader(raw, _limits(raw), depth=0).message()


def digest_of(raw: bytes) -> str:
    """The digest of `parse`, but faster, since only the header is parsed.

    Args:
        raw: as for `parse`.
    """
    root = read_structure(raw, Problems(), _limits(raw))
    return _digest(root.header, memoryview(raw)[root.start :])


def opened_files(raw: bytes, decoded: Mapping[tuple[int, int], bytes] | None = None) -> list[Attachment]:
    """The attachments of `parse`, of the message and of messages within it, but faster, since the rest is not read.

    For the scanner. Never raises.

    Args:
        raw: as for `parse`.
        decoded: decoded bytes of base64 parts by `letters_of`, by begin and end of their bodies. Default: none.
    """
    reader = _Reader(raw, _limits(raw), depth=0, decoded=decoded or {})
    reader.blocks(read_structure(raw, reader.problems, reader.limits))
    return [*reader.attachments, *_within(reader.nested)]


def _limits(raw: bytes) -> Limits:
    return Limits(parts=MAX_PARTS, bytes_left=_OCTETS_IN_NESTED * len(raw) + 1_000_000)


def _within(nested: Sequence[Nested]) -> Iterator[Attachment]:
    for one in nested:
        yield from one.message.attachments
        yield from _within(one.message.nested)


@dataclass(slots=True)
class _Reader:
    raw: bytes
    limits: Limits
    depth: int
    problems: Problems = field(default_factory=Problems)
    attachments: list[Attachment] = field(default_factory=list)
    nested: list[Nested] = field(default_factory=list)
    decoded: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    """Lines that look quoted, but are the sender's own."""
    tnef: tuple[str, bytes | memoryview] | None = None
    """The first winmail.dat, whose body counts where there is no other."""

    def message(self) -> Message:
        root = read_structure(self.raw, self.problems, self.limits)
        header = root.header
        blocks = self.blocks(root)
        if not any(block.html or shows(block.text) for block in blocks):
            blocks = self._body_of_tnef() if self.tnef else blocks
        text = text_of(blocks)
        subject = self._words(header, "subject")
        reply, quoted = split_quoted(text, subject, typed=frozenset(self.typed))
        own_ids = self._identifiers(header, "message-id")
        own = own_ids[0] if own_ids else _lone_word(header.first("message-id"))
        envelope = read_envelope(header)
        from_ = self._addresses(header, "from")
        answered = self._identifiers(header, "in-reply-to")
        report = report_of(
            root.kind, self.attachments, self.nested, text=text, answered=answered, note=self.problems.add
        )
        date = read_date(header.first("date"))
        if date is None and header.first("date"):
            self.problems.add("header date", "date-broken")
        return Message(
            digest=_digest(header, memoryview(self.raw)[root.start :]),
            message_id=own,
            in_reply_to=answered,
            references=self._identifiers(header, "references"),
            thread_index=_thread_index(header.first("thread-index")),
            date=date,
            subject=subject,
            from_=from_,
            sender=self._addresses(header, "sender"),
            reply_to=self._addresses(header, "reply-to"),
            to=self._addresses(header, "to"),
            cc=self._addresses(header, "cc"),
            resent_from=self._addresses(header, "resent-from"),
            text=text,
            reply=reply,
            quoted=quoted,
            html=html_of(blocks),
            attachments=tuple(self.attachments),
            nested=tuple(self.nested),
            kinds=kinds_of(header, root.kind, from_, envelope, report),
            report=report,
            envelope=envelope,
            problems=tuple(self.problems.found),
        )

    def _words(self, header: Header, name: str) -> str:
        """A header's words on one line: encoded words may have line ends, which would add a header to an answer."""
        words = decoded_words(header.first(name), lambda what: self.problems.add(f"header {name}", what))
        return " ".join(piece for line in _LINE_ENDS.split(words) if (piece := line.strip()))

    def _identifiers(self, header: Header, name: str) -> tuple[str, ...]:
        return identifiers_of(header.first(name), lambda what: self.problems.add(f"header {name}", what))

    def _addresses(self, header: Header, name: str) -> tuple[Address, ...]:
        def note(what: str) -> None:
            self.problems.add(f"header {name}", what)

        values = header.every(name)
        if not values:
            return ()
        if name in _ONE_FIELD and len(set(values)) > 1:
            note(UNCLEAR)
        # Each stretch by itself: a tag that one leaves open is not closed by the next.
        found = [address for value in values for address in addresses(value, note)]
        if len(found) > MOST_ADDRESSES:
            note("too-many-addresses")
        return tuple(found[:MOST_ADDRESSES])

    def blocks(self, part: Part) -> list[Block]:
        """The body in the part; its other contents are added to the attachments."""
        if part.children:
            found = [self.blocks(child) for child in part.children]
            if part.kind.value == "multipart/alternative":
                return alternative(found)
            return [block for blocks in found for block in blocks]
        disposition, filename = part.disposition(lambda what: self.problems.add(part.place, what))
        is_text = part.kind.value in {"text/plain", "text/html"}
        content = self._content(part)
        if is_text and not filename and disposition != "attachment":
            return self._body(part, content)
        self._attach(part, content, disposition, filename)
        return self._signed(part, bytes(content)) if is_smime(part.kind.value, filename) else []

    def _content(self, part: Part) -> bytes | memoryview:
        """The part's decoded bytes."""
        encoded = memoryview(self.raw)[part.start : part.end]
        written = _TOKEN.match(part.header.first("content-transfer-encoding"))
        name = written[1].lower() if written else ""
        if name in _PLAIN_ENCODINGS:
            return encoded
        # The same rules as the scanner's: so each file that is opened here was scanned.
        if "64" in name:
            known = self.decoded.get((part.start, part.end))
            return known if known is not None else self._base64(part)
        if "quoted" in name:
            return lenient_quoted_printable(bytes(encoded))
        if "uu" in name:
            files = list(uuencoded(with_lf(bytes(encoded))))
            if files:
                if not all(file.whole for file in files):
                    self.problems.add(part.place, "uuencode-broken")
                return b"".join(file.data for file in files)
        self.problems.add(part.place, "encoding-unknown")
        return encoded

    def _base64(self, part: Part) -> bytes:
        decoded, whole = base64_body(self.raw, part.start, part.end)
        if not whole:
            self.problems.add(part.place, "base64-broken")
        return decoded

    def _body(self, part: Part, content: bytes | memoryview) -> list[Block]:
        data = bytes(content)
        if part.kind.value == "text/plain" and b"begin" in data:
            data = self._without_files(part, with_lf(data))
        read = decoded_html if part.kind.value == "text/html" else decoded
        text, problem = read(data, part.kind.parameters.get("charset", ""))
        if problem:
            self.problems.add(part.place, problem)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        parameters = part.kind.parameters
        if part.kind.value == "text/plain" and parameters.get("format", "").strip().lower() == "flowed":
            text, typed = unflowed(text, delete_space=parameters.get("delsp", "").strip().lower() == "yes")
            self.typed |= typed
        return [Block(html=text) if part.kind.value == "text/html" else Block(text=text)]

    def _without_files(self, part: Part, data: bytes) -> bytes:
        """The text without its encoded files, which are added to the attachments."""
        kept: list[bytes] = []
        at = 0
        number = 0
        for file in uuencoded(data):
            if not file.data:
                continue  # prose that begins like one
            if self.limits.parts <= 0:
                self.problems.add(part.place, "too-many-parts")
                break
            number += 1
            if not file.whole:
                self.problems.add(part.place, "uuencode-broken")
            kept.append(data[at : file.start])
            at = file.end
            self._add(path=f"{part.path}:{number}", filename=file.name, data=file.data, origin=Origin.UUENCODE)
        return b"".join((*kept, data[at:]))

    def _attach(self, part: Part, content: bytes | memoryview, disposition: str, filename: str) -> None:
        self.attachments.append(
            Attachment(
                path=part.path,
                filename=filename,
                content_type=part.kind.value,
                disposition=disposition,
                content_id=part.header.first("content-id").strip().strip("<>").strip(),
                charset=part.kind.parameters.get("charset", ""),
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                data=content,
            )
        )
        if part.kind.value in MESSAGE_TYPES:
            self._open_message(part, bytes(content))
        elif part.kind.value in TNEF_TYPES or (filename.lower() == "winmail.dat" and is_tnef(content)):
            self._open_tnef(part, content)

    def _open_message(self, part: Part, content: bytes) -> None:
        if not _LOOKS_LIKE_MESSAGE.match(content):
            return
        self.limits.bytes_left -= len(content)
        if self.depth >= MAX_NESTED or self.limits.bytes_left < 0:
            self.problems.add(part.place, "too-deep")
        elif self.limits.parts <= 0:
            self.problems.add(part.place, "too-many-parts")
        else:
            self.nested.append(Nested(part.path, _Reader(content, self.limits, self.depth + 1).message()))

    def _signed(self, part: Part, envelope: bytes) -> list[Block]:
        """The body of a message within an S/MIME signature; no body for a file within one."""
        content, whole = signed_content(envelope)
        if not whole:
            self.problems.add(part.place, "smime-broken")
        if not read_header(content).first("content-type"):
            return []
        self.limits.bytes_left -= len(content)
        if self.depth >= MAX_NESTED or self.limits.bytes_left < 0:
            self.problems.add(part.place, "too-deep")
            return []
        if self.limits.parts <= 0:
            self.problems.add(part.place, "too-many-parts")
            return []
        within = _Reader(content, self.limits, self.depth + 1, self.problems, self.attachments, self.nested)
        within.typed = self.typed
        blocks = within.blocks(read_structure(content, self.problems, self.limits, path=f"{part.path}:1"))
        self.tnef = self.tnef or within.tnef
        return blocks

    def _open_tnef(self, part: Part, content: bytes | memoryview) -> None:
        self._add_tnef(part, f"{part.path}:", content, depth=0)
        self.tnef = self.tnef or (part.place, content)

    def _body_of_tnef(self) -> list[Block]:
        """The body in the first winmail.dat."""
        place, content = self.tnef or ("", b"")
        body = tnef_body(content, max(0, min(_MOST_RTF, self.limits.bytes_left)))
        self.limits.bytes_left -= body.read
        if body.problem:
            self.problems.add(place, body.problem)
        return [Block(text=body.text, html=body.html)]

    def _add_tnef(self, part: Part, begin: str, content: bytes | memoryview, *, depth: int) -> None:
        """Add the files of a stream; a message among them is a stream, too, and its files follow it."""
        files, whole = tnef_files(content)
        if not whole:
            self.problems.add(part.place, "tnef-broken")
        for number, file in enumerate(files, start=1):
            if self.limits.parts <= 0:
                self.problems.add(part.place, "too-many-parts")
                return
            self._add(
                path=f"{begin}{number}",
                filename=file.filename,
                content_type=file.content_type,
                content_id=file.content_id,
                data=file.data,
                origin=Origin.TNEF,
            )
            if is_tnef(file.data):
                if depth >= MAX_NESTED:
                    self.problems.add(part.place, "too-deep")
                else:
                    self._add_tnef(part, f"{begin}{number}.", file.data, depth=depth + 1)

    def _add(
        self, *, path: str, filename: str, data: bytes, origin: Origin, content_type: str = "", content_id: str = ""
    ) -> None:
        """Add a file that is no MIME part."""
        self.limits.parts -= 1
        self.attachments.append(
            Attachment(
                path=path,
                filename=filename,
                content_type=content_type or "application/octet-stream",
                content_id=content_id,
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                origin=origin,
                data=data,
            )
        )


def _digest(header: Header, body: memoryview) -> str:
    """The message's digest, without fields that are added on the way."""
    fields = [f"{name}:{value}\0" for name in _OF_ITSELF for value in header.every(name)]
    digest = hashlib.sha256("".join(fields).encode())
    digest.update(body)
    return digest.hexdigest()


def _thread_index(header: str) -> str:
    """Outlook's id of the conversation: the first 22 bytes, which all its messages share."""
    data = lenient_base64(header[:_MOST_THREAD_INDEX].encode("ascii", "ignore"))
    return data[:22].hex() if len(data) >= 22 else ""


def _lone_word(header: str) -> str:
    """An identifier without brackets and @."""
    match = _ONE_WORD.fullmatch(header)
    return match[1] if match else ""
