"""Attachments as people send them, made by the programs and libraries that people make them with; the same at each run."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import struct
import tarfile
import wave
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["harmless"]

WORDS: Final = (
    "order",
    "invoice",
    "meeting",
    "of",
    "on",
    "Friday",
    "garden",
    "fence",
    "price",
    "list",
    "attached",
    "offer",
)
IMAGES: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "PDF")
WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def harmless() -> Iterator[tuple[str, bytes]]:
    """Name and content of each."""
    chance = random.Random(41)
    for number in range(8):
        for kind in IMAGES:
            yield f"picture-{number}.{kind.lower()}", picture(chance, kind)
        for kind in ("pdf", "svg", "png"):
            yield f"figure-{number}.{kind}", figure(chance, kind)
        for name, made in offices(chance):
            yield f"document-{number}.{name}", made
        yield f"invitation-{number}.ics", calendar(chance, picture(chance, "PNG") if number % 2 else b"")
        yield f"card-{number}.vcf", card(chance, picture(chance, "JPEG"))
        yield f"newsletter-{number}.html", page(chance, picture(chance, "PNG"))
        yield f"letter-{number}.eml", letter(chance, picture(chance, "GIF"))
        yield f"table-{number}.csv", table(chance)
        yield f"notes-{number}.txt", text(chance, 3000)
        yield f"export-{number}.json", json.dumps({"rows": [text(chance, 40).decode() for _ in range(99)]}).encode()
        yield f"book-{number}.xml", b"<?xml version='1.0'?><a>" + text(chance, 900) + b"</a>"
        yield f"sound-{number}.wav", sound(chance)
        yield f"measured-{number}.bin", chance.randbytes(20_000)
        yield f"project-{number}.tar.gz", project(chance, "w:gz")
        yield f"project-{number}.tar.xz", project(chance, "w:xz")
        yield (
            f"photos-{number}.zip",
            zip_of({f"{n}.jpg": picture(chance, "JPEG") for n in range(12)}, zipfile.ZIP_STORED),
        )
        yield f"papers-{number}.zip", zip_of({f"{n}.pdf": figure(chance, "pdf") for n in range(3)})
        yield f"papers-in-folders-{number}.zip", zip_of({"a/": b"", "a/all.zip": zip_of({"b.docx": word(chance)})})
        yield f"letters-{number}.mbox", b"".join(mailbox_entry(chance) for _ in range(3))
        yield f"old-{number}.doc", b"{\\rtf1\\ansi " + text(chance, 2000) + b"}"
        yield f"readme-{number}.md", b"ls -lh shows PK and Rar! and 7z; BZh is bzip2's.\n" + text(chance, 500)


def mailbox_entry(chance: random.Random) -> bytes:
    """One message of a mailbox file."""
    return b"From a@example.net Mon Jan  5 10:00:00 2026\n" + letter(chance, b"x").replace(b"\r\n", b"\n") + b"\n"


def text(chance: random.Random, octets: int) -> bytes:
    """Prose of a kind."""
    out = ""
    while len(out) < octets:
        out += " ".join(chance.choice(WORDS) for _ in range(chance.randrange(4, 14))).capitalize() + ". "
        out += "Grüße aus Köln. \n" if chance.random() < 0.2 else ""
    return out.encode()


def picture(chance: random.Random, kind: str) -> bytes:
    """A picture, by Pillow."""
    size = chance.randrange(20, 160), chance.randrange(20, 160)
    made = Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3))
    out = io.BytesIO()
    made.save(out, kind)
    return out.getvalue()


def figure(chance: random.Random, kind: str) -> bytes:
    """A plot, by matplotlib."""
    made = Figure(figsize=(3, 2))
    made.add_subplot().plot([chance.random() for _ in range(30)])
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "x"}):
        made.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive, by Python."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name, (2026, 1, 5, 10, 0, 0)), content, method)
    return out.getvalue()


def word(chance: random.Random) -> bytes:
    """A document with a picture. ECMA-376 part 2."""
    part = f'<Override PartName="/word/document.xml" ContentType="{WORD}"/>'
    types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{part}</Types>'
    files = {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": b"<Relationships/>",
        "docProps/app.xml": b"<Properties/>",
    }
    files["word/document.xml"] = b"<w:document><w:t>" + text(chance, 6000) + b"</w:t></w:document>"
    files["word/media/image1.png"] = picture(chance, "PNG")
    return zip_of(files)


def offices(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Office documents of each kind."""
    types = {"[Content_Types].xml": b"<Types/>"}
    sheet = (
        b"<worksheet>" + b"".join(b"<c><v>%d</v></c>" % chance.randrange(10**6) for _ in range(900)) + b"</worksheet>"
    )
    yield "docx", word(chance)
    yield "xlsx", zip_of({**types, "xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": sheet})
    yield (
        "pptx",
        zip_of({**types, "ppt/slides/slide1.xml": text(chance, 900), "ppt/media/a.jpeg": picture(chance, "JPEG")}),
    )
    yield "xps", zip_of({**types, "Documents/1/Pages/1.fpage": text(chance, 900)})
    for kind, name in (("odt", "text"), ("ods", "spreadsheet"), ("odp", "presentation")):
        files = {"mimetype": f"application/vnd.oasis.opendocument.{name}".encode(), "content.xml": text(chance, 5000)}
        files |= {"META-INF/manifest.xml": b"<manifest:manifest/>", "Pictures/1.png": picture(chance, "PNG")}
        yield kind, zip_of(files)
    book = b"<html>" + text(chance, 4000) + b"</html>"
    yield "epub", zip_of({"mimetype": b"application/epub+zip", "OEBPS/1.xhtml": book})
    yield "kmz", zip_of({"doc.kml": b"<kml>" + text(chance, 500) + b"</kml>", "files/a.png": picture(chance, "PNG")})


def _folded(octets: bytes) -> bytes:
    encoded = base64.b64encode(octets)
    return b"\r\n ".join(encoded[at : at + 73] for at in range(0, len(encoded), 73))


def calendar(chance: random.Random, attached: bytes) -> bytes:
    """An invitation. RFC 5545."""
    attach = (
        b"ATTACH;FMTTYPE=image/png;ENCODING=BASE64;VALUE=BINARY:" + _folded(attached) + b"\r\n" if attached else b""
    )
    description = b"DESCRIPTION:" + text(chance, 60).replace(b"\n", b"") + b"\r\n"
    begin = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@a\r\n"
    return begin + description + attach + b"END:VEVENT\r\nEND:VCALENDAR\r\n"


def card(chance: random.Random, photo: bytes) -> bytes:
    """A visiting card. RFC 6350."""
    name = chance.choice(WORDS).encode()
    return (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:"
        + name
        + b"\r\nPHOTO;TYPE=JPEG;ENCODING=b:"
        + _folded(photo)
        + b"\r\nEND:VCARD\r\n"
    )


def page(chance: random.Random, image: bytes) -> bytes:
    """A newsletter with a picture in it and a tracked link."""
    link = base64.urlsafe_b64encode(chance.randbytes(90))
    image = b'<img src="data:image/png;base64,' + base64.b64encode(image) + b'">'
    read = b'<a href="https://a.example/?t=' + link + b'">read</a>'
    return b"<html><body><p>" + text(chance, 2000) + image + read + b"</body></html>"


def letter(chance: random.Random, attached: bytes) -> bytes:
    """A message with an attachment and a DKIM signature."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.net", "b@example.net", "Offer"
    made["DKIM-Signature"] = "v=1; a=rsa-sha256; b=" + base64.b64encode(chance.randbytes(256)).decode()
    made.set_content(text(chance, 700).decode())
    made.add_attachment(attached, maintype="image", subtype="gif", filename="a.gif")
    return made.as_bytes().replace(b"===============", b"b").replace(b"\n", b"\r\n")


def table(chance: random.Random) -> bytes:
    """A table, by Python's csv."""
    out = io.StringIO()
    csv.writer(out).writerows([chance.choice(WORDS), chance.random()] for _ in range(200))
    return out.getvalue().encode()


def sound(chance: random.Random) -> bytes:
    """A recording, by Python's wave."""
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(b"".join(struct.pack("<h", chance.randrange(-999, 999)) for _ in range(4000)))
    return out.getvalue()


def project(chance: random.Random, mode: str) -> bytes:
    """A folder of sources, by Python's tarfile."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as made:  # type: ignore[call-overload]
        for number in range(9):
            content = text(chance, 400)
            entry = tarfile.TarInfo(f"src/{number}.c")
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return out.getvalue()
