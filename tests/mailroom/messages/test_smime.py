"""Mail that is signed within S/MIME, as OpenSSL writes it, and broken."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import parse
from mailroom.messages.parse import MAX_NESTED
from mailroom.messages.smime import signed_content

PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nIm Anhang der Zählerstand.\r\n".encode()
MIXED = (
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + PLAIN + b"--b\r\n"
    b'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\n%PDF-1.4\r\n--b--\r\n'
)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate."""
    folder = tmp_path_factory.mktemp("signer")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a", "-keyout", "k", "-out", "c"]
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    return folder


def signed(folder: Path, content: bytes, *words: str) -> bytes:
    """The content within a signature, as DER; with "-stream", as BER of indefinite lengths and in pieces."""
    command = ["openssl", "cms", "-sign", "-signer", "c", "-inkey", "k", "-outform", "DER", "-binary", *words]
    return subprocess.run(command, cwd=folder, input=content, check=True, capture_output=True).stdout


def mail(
    envelope: bytes, kind: str = "application/pkcs7-mime; smime-type=signed-data", name: str = "smime.p7m"
) -> bytes:
    """A message that is the envelope."""
    head = (
        f'From: a@kunde.example\r\nSubject: Stand\r\nContent-Type: {kind}; name="{name}"\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(envelope)


@pytest.mark.parametrize("words", [("-nodetach",), ("-nodetach", "-stream")])
@pytest.mark.parametrize("kind", ["application/pkcs7-mime", "application/x-pkcs7-mime", "application/octet-stream"])
def test_body_within_a_signature_is_read(signer: Path, words: tuple[str, ...], kind: str) -> None:
    """Its words are the text, its files are attachments, and so is the signature."""
    message = parse(mail(signed(signer, MIXED, *words), kind))
    assert message.text.strip() == "Im Anhang der Zählerstand."
    assert [(one.path, one.filename, bytes(one.data)[:8]) for one in message.attachments][1:] == [
        (":1.2", "a.pdf", b"%PDF-1.4")
    ]
    assert message.attachments[0].filename == "smime.p7m"
    assert not message.problems


def test_long_content_in_pieces(signer: Path) -> None:
    """OpenSSL streams a few kilobytes at a time."""
    lines = "".join(f"Zeile {number}\r\n" for number in range(5_000))
    message = parse(mail(signed(signer, b"Content-Type: text/plain\r\n\r\n" + lines.encode(), "-nodetach", "-stream")))
    assert message.text == lines.replace("\r\n", "\n")


def test_signature_in_a_signature(signer: Path) -> None:
    """A few are opened, and no more than messages within messages."""
    once = mail(signed(signer, PLAIN, "-nodetach"))
    twice = mail(signed(signer, once, "-nodetach"))
    assert parse(twice).text.strip() == "Im Anhang der Zählerstand."
    raw = once
    for _ in range(MAX_NESTED + 1):
        raw = mail(signed(signer, raw, "-nodetach", "-nocerts"))
    deep = parse(raw)
    assert not deep.text
    assert [problem.what for problem in deep.problems] == ["too-deep"]


@pytest.mark.parametrize("content", [b"%PDF-1.4\n%%EOF\n", b"<a:b>text</a:b>\n", b"", b"Nur: Text\r\n\r\nx"])
def test_signed_file_is_no_body(signer: Path, content: bytes) -> None:
    """Invoices are signed files: these have no MIME header."""
    message = parse(mail(signed(signer, content, "-nodetach"), "application/pkcs7-mime", "fattura.xml.p7m"))
    assert not message.text
    assert [one.filename for one in message.attachments] == ["fattura.xml.p7m"]


def test_signature_beside_and_encrypted(signer: Path) -> None:
    """Neither holds a body that can be read; nothing is wrong with them."""
    beside = signed(signer, PLAIN)
    command = ["openssl", "cms", "-encrypt", "-aes256", "-outform", "DER", "c"]
    hidden = subprocess.run(command, cwd=signer, input=PLAIN, check=True, capture_output=True).stdout
    for envelope in (beside, hidden):
        message = parse(mail(envelope))
        assert not message.text
        assert not message.problems


def test_cut_signature_is_noted(signer: Path) -> None:
    """It stays an attachment."""
    whole = signed(signer, PLAIN, "-nodetach")
    message = parse(mail(whole[:60]))
    assert [(problem.place, problem.what) for problem in message.problems] == [("message", "smime-broken")]
    assert [one.size for one in message.attachments] == [60]


HEAD = bytes.fromhex("308006092a864886f70d010702a080308002010131003080060130a080")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_anything_is_read(noise: bytes, piece: bytes) -> None:
    """Never an error, and never more than there is."""
    for data in (noise, HEAD + noise, HEAD + b"\x24\x80\x04\x81" + bytes([len(piece)]) + piece + noise):
        content, _whole = signed_content(data)
        assert len(content) <= len(data)


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_pieces_are_joined(pieces: list[bytes]) -> None:
    """Of an indefinite length, and with strings in pieces within them."""
    flat = b"".join(b"\x04" + bytes([len(one)]) + one for one in pieces)
    for inner in (flat, b"\x24\x80" + flat + b"\0\0"):
        assert signed_content(HEAD + b"\x24\x80" + inner + b"\0\0") == (b"".join(pieces), True)
