"""Documents are packed without loss, each text once, and those of before stay readable."""

from __future__ import annotations

import json
import zlib

import pytest

from mailroom.messages import parse
from mailroom.store.documents import packed, unpacked
from tests.mailroom.messages.corpus import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file.name)
def test_each_form_is_the_same_message(case: Case) -> None:
    """As it is packed now, as it was packed before, and as plain JSON."""
    document = json.dumps(parse(case.raw).document, ensure_ascii=False).encode("utf-8", "replace")
    message = unpacked(document.decode())
    assert json.dumps(message.document, ensure_ascii=False).encode() == document
    assert unpacked(zlib.compress(document)) == unpacked(document) == unpacked(packed(message)) == message


def test_long_text_is_stored_once() -> None:
    """Also where it is longer than what compression looks back on: its quotation, too."""
    noise = "\r\n".join(f"{number * 7919 % 1_000_003:x} {number}" for number in range(9000))
    quoted = "\r\n".join(f"> {number * 104_729 % 1_000_003:x}" for number in range(9000))
    message = parse(f"Subject: x\r\n\r\n{noise}\r\n\r\nOn Monday, Anna wrote:\r\n{quoted}\r\n".encode())
    assert message.quoted
    alone = len(zlib.compress(message.text.encode()))
    assert len(packed(message)) < 1.1 * alone
    assert unpacked(packed(message)) == unpacked(json.dumps(message.document))
