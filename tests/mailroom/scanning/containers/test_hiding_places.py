"""Files that only a reader with a mind of its own shows: found, and without them the same wrapping is delivered as it came."""

from __future__ import annotations

import base64
import binascii
import bz2
import io
import lzma
import struct
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from mailroom.scanning.active.risks import OFF
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.clamav import EICAR
from tests.mailroom.messages.test_tnef import attribute, properties, stream
from tests.mailroom.scanning.hiding import archive, encoded, mixed, part, uuencode

NOW: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CLEAN: Final = b"A file of the same length that is no test file for scanners, 68 octs"
MAILBOX_LINE: Final = b"From a@example.net Mon Jan  1 00:00:00 2026\n"
INTERFACE: Final = bytes.fromhex("0703020000000000c000000000000046")
POLICY: Final = Policy(active_content=OFF)
"""The payload is called as programs are."""


def delivered(raw: bytes, engine: Clamd) -> Delivery:
    """The delivery of a message by the default policy."""
    return decide(raw, scan_message(raw, engine), POLICY, rescan=lambda left: scan_message(left, engine), now=NOW)


def folded(payload: bytes, width: int) -> bytes:
    """Base64 on lines that continue the one before."""
    text = base64.b64encode(payload)
    return b"\r\n ".join(text[at : at + width] for at in range(0, len(text), width))


def calendar(payload: bytes, width: int) -> bytes:
    """An invitation with a file in it. RFC 5545 3.8.1.1."""
    return (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nATTACH;ENCODING=BASE64;VALUE=BINARY:\r\n "
        + folded(payload, width)
        + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def card(payload: bytes, name: bytes, width: int) -> bytes:
    """A visiting card. RFC 6350."""
    return (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n"
        + name
        + b";ENCODING=b:"
        + folded(payload, width)
        + b"\r\nEND:VCARD\r\n"
    )


def text_part(content: bytes, kind: str, *, in_base64: bool) -> bytes:
    """A message with the text as an attachment, 7bit or in base64."""
    headers = [f"Content-Type: {kind}"]
    if in_base64:
        return mixed(part(base64.encodebytes(content), *headers, "Content-Transfer-Encoding: base64"))
    return mixed(part(content, *headers, "Content-Transfer-Encoding: 7bit"))


def by_calendar(payload: bytes, *, width: int, in_base64: bool) -> bytes:
    """A message with an invitation."""
    return text_part(calendar(payload, width), "text/calendar; method=REQUEST", in_base64=in_base64)


def by_card(payload: bytes, *, name: str, width: int, in_base64: bool) -> bytes:
    """A message with a visiting card."""
    return text_part(card(payload, name.encode(), width), "text/vcard", in_base64=in_base64)


def winmail(*attributes: bytes) -> bytes:
    """A message with a winmail.dat of one attachment."""
    return mixed(encoded(stream(attribute(2, 0x00069002, b"\0" * 14), *attributes), "winmail.dat"))


def embedded(payload: bytes) -> bytes:
    """A message within a winmail.dat: attach method 5, and prose in the place of the file. MS-OXTNEF 2.1.3.4.2."""
    inner = stream(
        attribute(2, 0x00069002, b"\0" * 14),
        attribute(2, 0x00018010, b"eicar.com\0"),
        attribute(2, 0x0006800F, payload),
    )
    value = INTERFACE + inner
    method = struct.pack("<HHI", 0x0003, 0x3705, 5)
    content = struct.pack("<HHII", 0x000D, 0x3701, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    return winmail(
        attribute(
            2, 0x0006800F, b"This attachment is a MAPI 1.0 embedded message and is not supported by this mail system."
        ),
        attribute(2, 0x00069005, struct.pack("<I", 2) + method + content),
    )


def changed(made: bytes, *places: tuple[int, bytes]) -> bytes:
    """The octets with some of them replaced."""
    out = bytearray(made)
    for at, octets in places:
        out[at : at + len(octets)] = octets
    return bytes(out)


def zipped(payload: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of the payload."""
    return archive(payload, method=method, name="eicar.com")


def zip_at(made: bytes) -> tuple[int, int]:
    """Places of an archive's directory and of its end record."""
    return made.index(b"PK\x01\x02"), made.index(b"PK\x05\x06")


def two_zips(payload: bytes) -> bytes:
    """Two archives in one file."""
    return archive(b"nothing", name="x.txt") + zipped(payload)


def saved_letter(payload: bytes) -> bytes:
    """A letter whose base64 is padded in the middle."""
    half = len(payload) // 2
    body = base64.b64encode(payload[:half]) + b"\r\n" + base64.b64encode(payload[half:])
    return mixed(part(body, "Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64"))


def unzip64(payload: bytes) -> bytes:
    """Compressed by .lzma, in an archive."""
    return archive(lzma.compress(payload, format=lzma.FORMAT_ALONE), name="x.lzma")


def as_file(made: bytes, name: str = "invoice.zip") -> bytes:
    """A message with that file."""
    return mixed(encoded(made, name))


PLACES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "two zips in one file": lambda it: as_file(two_zips(it)),
    "second of two zips, stored": lambda it: as_file(archive(b"nothing") + zipped(it, zipfile.ZIP_STORED)),
    "first of two zips": lambda it: as_file(zipped(it) + archive(b"nothing", name="x.txt")),
    "three zips": lambda it: as_file(two_zips(it) + archive(b"nothing")),
    "two zips within a zip": lambda it: as_file(archive(two_zips(it), name="in.zip")),
    **{
        f"calendar folded at {width}, {'base64' if in_base64 else '7bit'}": partial(by_calendar, width=width, in_base64=in_base64)
        for width in (20, 60, 75)
        for in_base64 in (False, True)
    },
    **{
        f"{name} of a card folded at {width}, {in_base64}": partial(by_card, name=name, width=width, in_base64=in_base64)
        for name in ("KEY", "PHOTO")
        for width in (20, 75)
        for in_base64 in (False, True)
    },
    "calendar in UTF-16": lambda it: as_file(calendar(it, 60).decode().encode("utf-16"), "a.ics"),
    "calendar in a zip": lambda it: as_file(archive(calendar(it, 60), name="a.ics")),
    "bzip2 behind an empty stream": lambda it: as_file(bz2.compress(b"") + bz2.compress(it), "x.bz2"),
    "bzip2, second stream": lambda it: as_file(bz2.compress(b"x") + bz2.compress(it), "x.bz2"),
    "lzma": lambda it: as_file(lzma.compress(it, format=lzma.FORMAT_ALONE), "x.lzma"),
    "lzma in a zip": lambda it: as_file(unzip64(it)),
    "xz, second stream": lambda it: as_file(lzma.compress(b"x") + lzma.compress(it), "x.xz"),
    "winmail.dat: file as a binary property": lambda it: winmail(
        attribute(2, 0x00069005, properties((0x0102, 0x3701, it)))
    ),
    "winmail.dat: file as an object": lambda it: winmail(
        attribute(2, 0x00069005, properties((0x000D, 0x3701, INTERFACE + it)))
    ),
    "winmail.dat: message within": embedded,
    "winmail.dat without its name": lambda it: mixed(
        encoded(stream(attribute(2, 0x00069002, b"\0" * 14), attribute(2, 0x0006800F, it)), "x.bin")
    ),
    "zip cut before its directory": lambda it: as_file(zipped(it)[: zip_at(zipped(it))[0]]),
    "zip cut before its end record": lambda it: as_file(zipped(it)[: zip_at(zipped(it))[1]]),
    "zip behind other octets": lambda it: as_file(b"x" * 5000 + zipped(it)),
    "zip with octets between entries": lambda it: as_file(
        zipped(b"nothing")[: zip_at(zipped(b"nothing"))[0]] + b"gap" * 9 + zipped(it)
    ),
    "zip, other name in the entry's header": lambda it: as_file(changed(zipped(it), (30, b"fine.text"))),
    "zip, stored as the entry's header says": lambda it: as_file(changed(zipped(it), (8, b"\0\0"))),
    "zip, method only the directory knows": lambda it: as_file(changed(zipped(it), (8, b"\x63\0"))),
    "zip, no size in the entry's header": lambda it: as_file(changed(zipped(it), (18, bytes(8)))),
    "zip, wrong sizes in the directory": lambda it: as_file(
        changed(zipped(it), (zip_at(zipped(it))[0] + 20, b"\1\0\0\0\1\0\0\0"))
    ),
    "zip, password only said in the header": lambda it: as_file(changed(zipped(it), (6, b"\1\0"))),
    "letter in a zip, padded in the middle": lambda it: as_file(archive(saved_letter(it), name="letter.eml")),
    "letter in base64 with one header and uuencode": lambda it: as_file(
        b"Subject: x\r\n\r\n" + uuencode(it, "eicar.com"), "letter.eml"
    ),
    "mailbox": lambda it: as_file(
        MAILBOX_LINE + as_file(b"x") + b"\n\n" + MAILBOX_LINE + as_file(it).replace(b"\r\n", b"\n"), "a.mbox"
    ),
    "uuencoded file in a page in base64": lambda it: text_part(
        b"<pre>\n" + uuencode(it, "eicar.com") + b"</pre>", "text/html", in_base64=True
    ),
    "data URI in a page in base64": lambda it: text_part(
        b'<a href="data:application/zip;base64,' + base64.b64encode(zipped(it)) + b'">', "text/html", in_base64=True
    ),
}  # fmt: skip
"""By the way the file is hidden: makes the message that hides it."""

HELD_ALL_THE_SAME: Final = {
    "zip, method only the directory knows",  # what the other reading says is read by nobody
    "zip, password only said in the header",
}


@pytest.mark.parametrize("place", PLACES)
def test_hidden_file_is_found(place: str, engine: Clamd) -> None:
    """Nothing of it is delivered, and the same wrapping of another file is, as it came."""
    outcome = delivered(PLACES[place](EICAR), engine)
    assert outcome.action in {Action.STRIP, Action.HOLD}
    assert outcome.message is None or scan_message(outcome.message, engine).verdict is Verdict.CLEAN
    harmless = PLACES[place](CLEAN)
    if place in HELD_ALL_THE_SAME:
        assert delivered(harmless, engine).action is Action.HOLD
    else:
        assert scan_message(harmless, engine).found == ()
        assert delivered(harmless, engine).message == harmless


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and its key."""
    folder = tmp_path_factory.mktemp("signer")
    words = "req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=a -days 9"
    run(folder, *words.split())
    return folder


def run(folder: Path, *words: str) -> None:
    """Run openssl there."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def smime(folder: Path, payload: bytes, *words: str) -> bytes:
    """A message as `openssl cms` makes it of an entity with the payload attached."""
    (folder / "entity").write_bytes(encoded(payload, "eicar.com"))
    run(folder, "cms", *words, "-in", "entity", "-out", "made", "-from", "a@example.net", "-subject", "x")
    return (folder / "made").read_bytes()


SIGN: Final = ("-sign", "-signer", "c.pem", "-inkey", "k.pem")


@pytest.mark.parametrize("more", [(), ("-stream",), ("-binary",), ("-indef",), ("-noattr",)])
def test_signed_mail_is_opened(more: tuple[str, ...], signer: Path, engine: Clamd) -> None:
    """What is within the signature is looked at, and signed mail of any kind is delivered as it came."""
    for kind in ((*SIGN, "-nodetach", *more), (*SIGN, *more)):
        assert delivered(smime(signer, EICAR, *kind), engine).action in {Action.STRIP, Action.HOLD}
        raw = smime(signer, CLEAN, *kind)
        assert delivered(raw, engine).message == raw


@pytest.mark.parametrize(
    "words", [("-encrypt",), ("-encrypt", "-aes256"), ("-encrypt", "-aes-256-gcm"), ("-encrypt", "-stream")]
)
def test_enveloped_mail_is_encrypted(words: tuple[str, ...], signer: Path, engine: Clamd) -> None:
    """S/MIME that nobody but its recipient can open."""
    (signer / "entity").write_bytes(encoded(EICAR, "eicar.com"))
    run(signer, "cms", *words, "-in", "entity", "-out", "made", "-from", "a@example.net", "-subject", "x", "c.pem")
    result = scan_message((signer / "made").read_bytes(), engine)
    assert result.verdict is Verdict.ENCRYPTED


@pytest.mark.parametrize("mail", [None, Action.HOLD, Action.DELIVER])
@pytest.mark.parametrize("other", [Action.HOLD, Action.DELIVER])
def test_encrypted_mail_has_a_policy_of_its_own(
    mail: Action | None, other: Action, signer: Path, engine: Clamd
) -> None:
    """By default that of other encrypted parts; neither says anything of the other where both are set."""
    policy = Policy(encrypted=other, encrypted_mail=mail)
    (signer / "entity").write_bytes(encoded(CLEAN))
    run(signer, "cms", "-encrypt", "-in", "entity", "-out", "made", "-subject", "x", "c.pem")
    locked = mixed(part(b"half of it", 'Content-Type: message/partial; id="x"; number=1; total=2'))
    for raw, action in (((signer / "made").read_bytes(), mail or other), (locked, other)):
        outcome = decide(
            raw, scan_message(raw, engine), policy, rescan=lambda left: scan_message(left, engine), now=NOW
        )
        assert outcome.action is action
        assert outcome.message == (raw if action is Action.DELIVER else None)


@pytest.mark.parametrize("action", [Action.STRIP, Action.DELETE])
def test_encrypted_mail_is_delivered_or_held(action: Action) -> None:
    """Nothing is left of it without what is encrypted."""
    with pytest.raises(ValueError, match="encrypted_mail must be deliver or hold"):
        Policy(encrypted_mail=action)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key of GnuPG's."""
    folder = tmp_path_factory.mktemp("gpg")
    folder.chmod(0o700)
    gpg(folder, b"", "--passphrase", "", "--quick-gen-key", "a@example.net", "default", "default")
    return folder


def gpg(folder: Path, given: bytes, *words: str) -> bytes:
    """Run GnuPG there."""
    done = subprocess.run(
        ["gpg", "--homedir", str(folder), "--batch", "--yes", "--no-tty", "--trust-model", "always", *words],
        input=given, check=True, capture_output=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("armor", [("--armor",), ()])
@pytest.mark.parametrize("words", [("--encrypt", "-r", "a@example.net"), ("--symmetric", "--passphrase", "x")])
def test_pgp_encrypted(words: tuple[str, ...], armor: tuple[str, ...], keyring: Path, engine: Clamd) -> None:
    """Encrypted to a key or with a password: by PGP/MIME, as a file, and in the text."""
    made = gpg(keyring, encoded(EICAR), *armor, *words)
    kind = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    pgp_mime = mixed(
        part(b"Version: 1", "Content-Type: application/pgp-encrypted"),
        part(binascii.b2a_base64(made), "Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64"),
    ).replace(b"multipart/mixed", kind.encode())
    assert scan_message(pgp_mime, engine).verdict is Verdict.ENCRYPTED
    assert scan_message(mixed(encoded(made, "a.pgp")), engine).verdict is Verdict.ENCRYPTED
    if armor:
        assert scan_message(mixed(part(made, "Content-Type: text/plain")), engine).verdict is Verdict.ENCRYPTED


PGP_OPEN: Final = (
    "--sign",
    "--store",
    *(f"--sign --compress-algo {name}" for name in ("zip", "zlib", "bzip2", "none")),
)


@pytest.mark.parametrize("armor", [("--armor",), ()])
@pytest.mark.parametrize("words", PGP_OPEN)
def test_pgp_without_encryption_is_opened(words: str, armor: tuple[str, ...], keyring: Path, engine: Clamd) -> None:
    """What is only signed or compressed can be read by anybody."""
    harmless = mixed(encoded(gpg(keyring, CLEAN, *armor, *words.split()), "a.pgp"))
    assert (
        delivered(mixed(encoded(gpg(keyring, EICAR, *armor, *words.split()), "a.pgp")), engine).action is Action.STRIP
    )
    assert delivered(harmless, engine).message == harmless


def test_signatures_and_keys_are_clean(keyring: Path, engine: Clamd) -> None:
    """What only vouches for mail hides nothing."""
    for made in (
        gpg(keyring, CLEAN, "--armor", "--detach-sign"),
        gpg(keyring, CLEAN, "--detach-sign"),
        gpg(keyring, CLEAN, "--clearsign"),
        gpg(keyring, b"", "--armor", "--export", "a@example.net"),
        gpg(keyring, b"", "--export", "a@example.net"),
    ):
        assert scan_message(mixed(encoded(made, "signature.asc")), engine).found == ()


def test_payload_is_found_at_the_beginning_alone(engine: Clamd) -> None:
    """So that nothing that is not opened is found."""
    assert engine.scan(EICAR).verdict is Verdict.INFECTED
    assert engine.scan(b"x" + EICAR).verdict is Verdict.CLEAN
    assert len(CLEAN) == len(EICAR)
    with zipfile.ZipFile(io.BytesIO(zipped(EICAR))) as made:
        assert made.read("eicar.com") == EICAR
