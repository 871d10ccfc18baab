"""Archives that the engine would cut off and call clean."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.scanning import zips
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Verdict
from mailroom.scanning.zips import zip_fault
from tests.linear.mails import overlapping
from tests.mailroom.clamav import MARKER
from tests.mailroom.scanning.hiding import archive, encoded, mixed


def of_entries(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of several files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that tests reach quickly."""
    monkeypatch.setattr(zips, "MAX_INFLATED_OCTETS", 1_000_000)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_entry_beyond_the_limit(method: int) -> None:
    """Counted as it inflates, whatever the archive says of itself."""
    made = archive(b"\0" * 1_000_001, method=method)
    assert zip_fault(made) == "Limits.Zip.Size"
    lied = made.replace((1_000_001).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    assert zip_fault(lied) in ({"Limits.Zip.Size"} if method == zipfile.ZIP_DEFLATED else {"", "Limits.Zip.Size"})


@pytest.mark.usefixtures("small_limit")
def test_entries_count_together() -> None:
    """Many files below the limit are one archive above it."""
    assert zip_fault(of_entries(*((f"{n}", b"\0" * 200_000) for n in range(6)))) == "Limits.Zip.Size"
    assert zip_fault(of_entries(*((f"{n}", b"\0" * 200_000) for n in range(4)))) == ""


@pytest.mark.usefixtures("small_limit")
def test_archive_in_an_archive() -> None:
    """Nested ones count, office documents among them."""
    inner = of_entries(("word/document.xml", b"\0" * 1_500_000))
    assert zip_fault(archive(inner, name="letter.docx")) == "Limits.Zip.Size"


def test_too_deep() -> None:
    """Deeper than four archives nobody looks."""
    made = archive(b"x")
    for _ in range(4):
        made = archive(made)
    assert zip_fault(made) == ""
    assert zip_fault(archive(made)) == "Limits.Zip.Depth"


def test_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of very many files."""
    monkeypatch.setattr(zips, "MAX_ENTRIES", 3)
    assert zip_fault(of_entries(*((str(n), b"") for n in range(4)))) == "Limits.Zip.Entries"


def test_marker_behind_what_the_engine_skips(engine: Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry longer than the limit is over-limit, though the engine may call it clean."""
    monkeypatch.setattr(zips, "MAX_INFLATED_OCTETS", 50_000_000)
    raw = mixed(encoded(archive(b"\0" * 70_000_000 + MARKER), "plan.zip"))
    assert scan_message(raw, engine).verdict in {Verdict.OVER_LIMIT, Verdict.INFECTED}


@given(st.binary(max_size=400))
def test_no_archive(data: bytes) -> None:
    """Any octets: no fault, or one with a name."""
    assert zip_fault(data) in {"", "Limits.Zip.Size", "Limits.Zip.Entries", "Limits.Zip.Depth"}


@given(st.data())
def test_damaged_archive(data: st.DataObject) -> None:
    """One octet changed anywhere is no crash."""
    made = bytearray(of_entries(("a", b"hello"), ("b", b"world" * 50)))
    made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    assert zip_fault(bytes(made)) in {"", "Limits.Zip.Size", "Limits.Zip.Entries", "Limits.Zip.Depth"}


def test_entries_that_share_octets() -> None:
    """An archive whose entries are all the same octets is refused, and not looked at for each of them."""
    data = overlapping(100_000)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert len(made.infolist()) > 1000
        assert len(made.read(made.infolist()[0])) == 50_000
    assert zip_fault(data) == "Limits.Zip.Overlap"
