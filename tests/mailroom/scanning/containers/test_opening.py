"""Openers: whatever a file does to them, the answer is members or a reason, in bounded time and memory."""

from __future__ import annotations

import gzip
import io
import os
import signal
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.scanning.containers import openers
from mailroom.scanning.containers.formats import FORMATS, Format, Opener, recognised
from mailroom.scanning.containers.opening import Openers
from mailroom.scanning.containers.results import FaultError, Room
from mailroom.scanning.extracted_parts import MAX_DEPTH, extracted_parts
from tests.mailroom.scanning.hiding import archive, encoded, mixed


def faults(opener: Openers, data: bytes) -> list[str]:
    """Each reason why not all of it was opened."""
    return [str(one) for one in opener.members(data) if isinstance(one, FaultError)]


def test_bomb_is_over_the_limit() -> None:
    """What unpacks to more than there is room for is no answer at all, and the next file is opened all the same."""
    opener = Openers()
    began = time.monotonic()
    assert faults(opener, gzip.compress(bytes(200_000_000), 1)) == ["Limits.Container.Size"]
    assert time.monotonic() - began < 30
    assert [one for one in opener.members(gzip.compress(b"x")) if isinstance(one, FaultError)] == []
    opener.close()


def test_entries_that_share_their_octets_are_over_the_limit() -> None:
    """A directory that names the same octets a thousand times costs no more than reading them a few times."""
    made = archive(bytes(range(256)) * 400, method=zipfile.ZIP_STORED)
    at = made.index(b"PK\x01\x02")
    entry, end = made[at : made.index(b"PK\x05\x06")], made[made.index(b"PK\x05\x06") :]
    headers = b"".join(archive(b"", name=f"{n}")[:32] for n in range(500))
    assert len(list(extracted_parts(mixed(encoded(headers + made[:at] + entry * 500 + end))))) < 1200


def test_opener_that_takes_too_long_is_over_the_limit() -> None:
    """And is gone: nobody waits for it."""
    opener = Openers(seconds=0.0)
    assert faults(opener, gzip.compress(b"x")) == ["Limits.Container.Time"]
    opener.close()


def test_opener_that_crashes_is_no_clean_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the middle of a file: told, and the next file is opened."""
    crash = tmp_path / "sitecustomize.py"
    crash.write_text(
        "import bz2\n"
        "class Crashing:\n"
        "    def __init__(self):\n"
        "        import os, signal\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "bz2.BZ2Decompressor = Crashing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    opener = Openers()
    assert faults(opener, b"BZh9" + bytes(50)) == ["Container.Crashed"]
    assert [one for one in opener.members(gzip.compress(b"x")) if isinstance(one, FaultError)] == []
    opener.close()


def test_process_that_is_gone_is_started_again() -> None:
    """Whoever ended it."""
    opener = Openers()
    assert faults(opener, gzip.compress(b"x")) == []
    process = opener._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert faults(opener, gzip.compress(b"x")) == []
    opener.close()


def test_too_deep_is_over_the_limit() -> None:
    """Archives within each other end in a piece that says so."""
    made = b"x"
    for _ in range(MAX_DEPTH + 3):
        made = gzip.compress(made)
    assert any(piece.unscannable == "Limits.Depth" for piece in extracted_parts(mixed(encoded(made))))


@pytest.mark.parametrize("one", [one for one in FORMATS if one.magic], ids=lambda one: one.name)
def test_what_only_looks_like_a_container_is_not_clean(one: Format) -> None:
    """Behind its signature there is nothing of the format: it is held, since some reader may make something of it."""
    place, magic = one.magic[0]
    data = (
        bytes(place) + magic + b"\xa5" * 600 if place >= 0 else b"\xa5" * 600 + magic + b"\xa5" * (-place - len(magic))
    )
    assert one in recognised(data)
    found = list(openers.members_of(data, "", "", Room()))
    if one.opener is Opener.NONE or one.name in {
        "Gzip",
        "Bzip2",
        "Xz",
        "Rpm",
        "SevenZip",
        "Cab",
        "Zstandard",
        "Lzip",
    }:
        assert any(isinstance(member, FaultError) for member in found)


@given(
    st.sampled_from(
        [magic for one in FORMATS for _, magic in one.magic] + [b"PK\x03\x04", b"\x30\x80\x06\x09", b"\xa3\x01", b""]
    ),
    st.binary(max_size=600),
)
def test_any_octets(magic: bytes, data: bytes) -> None:
    """Nothing is raised, whatever stands behind a signature."""
    list(openers.members_of(magic + data, "x.br", "", Room(bytes_left=1_000_000)))


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=12))
def test_damaged_archives(content: bytes, at: int, patch: bytes) -> None:
    """A ZIP with some octets replaced is read without an error."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a", content)
        made.writestr("b", content)
    damaged = bytearray(out.getvalue())
    damaged[at : at + len(patch)] = patch
    list(openers.members_of(bytes(damaged), "", "", Room(bytes_left=1_000_000)))
