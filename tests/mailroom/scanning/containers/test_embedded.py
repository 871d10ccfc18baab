"""Files within documents are taken out and looked at, whatever a sender makes of the document."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.scanning.active.risks import OFF, Risk
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.containers import openers
from mailroom.scanning.containers.formats import recognised
from mailroom.scanning.containers.results import FaultError, Member, Room
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy, Verdict
from tests.mailroom.clamav import EICAR
from tests.mailroom.scanning.active.samples import compound, onenote
from tests.mailroom.scanning.containers.embedded_forms import EMBEDDED, packaged
from tests.mailroom.scanning.containers.forms import POSITIONS, made, zipped
from tests.mailroom.scanning.containers.test_hiding_places import CLEAN, delivered
from tests.mailroom.scanning.hiding import encoded, mixed
from tests.mailroom.scanning.test_delivery import delivered as by_policy

CLOSED: Final = frozenset({"DMG", "CHM"})
PACKAGE: Final = compound(("WordDocument", b"text"), ("\x01Ole10Native", packaged("a.vbs", b"WScript.Echo 1")))
RTF: Final = b"{\\rtf1{\\object{\\*\\objdata 0105000002000000080000005061636b61676500}}}"


@pytest.mark.parametrize("place", POSITIONS)
@pytest.mark.parametrize("form", EMBEDDED)
def test_embedded_file_is_found(form: str, place: str, engine: Clamd) -> None:
    """In each form and place, plain and in an archive; the same with a harmless file is delivered where the form is opened."""
    for payload in (EICAR, CLEAN):
        file = made(EMBEDDED[form], payload, place)
        for content in (file, zipped(file)):
            outcome = delivered(mixed(encoded(content, "file.bin")), engine)
            if payload == EICAR or form in CLOSED:
                assert outcome.action in {Action.STRIP, Action.HOLD}
            else:
                assert outcome.action is Action.DELIVER


@pytest.mark.parametrize(
    "content",
    [
        PACKAGE,
        b"{\\rtf1{\\object{\\*\\objdata " + packaged("a.vbs", b"WScript.Echo 1").hex().encode() + b"}}}",
        made(EMBEDDED["objects in RTF"], b"WScript.Echo 1", "middle", "a.vbs"),
    ],
    ids=["package", "package without a head", "object"],
)
def test_active_content_within_is_found(content: bytes, engine: Clamd) -> None:
    """By the name that the package has, or not at all where it has none that any reader sees."""
    raw = mixed(encoded(content, "file.bin"))
    found = scan_message(raw, engine)
    assert found.verdict is Verdict.CLEAN
    named = b"0105" in content or content == PACKAGE
    assert (Risk.PROGRAMS in found.risks) == named
    assert by_policy(raw, engine, Policy(active_content=OFF)).message == raw


def test_digits_between_words_are_an_object(engine: Clamd) -> None:
    """Readers pass over words, groups and white space between the digits."""
    digits = EICAR.hex()
    split = "".join(f"{digits[at : at + 7]}{{\\b \\'2a}}\r\n\\*\\x5 " for at in range(0, len(digits), 7))
    raw = mixed(encoded(b"{\\rt{\\object{\\*\\objdata " + split.encode() + b"}}", "a.rtf"))
    assert scan_message(raw, engine).verdict is Verdict.INFECTED
    binary = b"{\\rtf1{\\object{\\*\\objdata\\bin%d " % len(EICAR) + EICAR + b"}}}"
    assert scan_message(mixed(encoded(binary, "a.rtf")), engine).verdict is Verdict.INFECTED


def test_broken_compound_file_is_over_the_limit(engine: Clamd) -> None:
    """One that says that it holds a file, which cannot be read to its end."""
    broken = PACKAGE[: len(PACKAGE) - 3000]
    assert scan_message(mixed(encoded(broken)), engine).verdict is Verdict.OVER_LIMIT


def test_chain_without_end_ends() -> None:
    """Sectors that follow each other in a circle are read once."""
    data = bytearray(PACKAGE)
    data[512 : 512 + 4 * 30] = b"".join(number.to_bytes(4, "little") for number in [0] * 30)
    assert [str(one) for one in members(bytes(data)) if isinstance(one, FaultError)] == ["Container.Ole.Broken"]


def members(data: bytes) -> list[Member | FaultError]:
    """Its members, read in this process."""
    return list(openers.members_of(data, "", "", Room()))


@given(
    st.sampled_from([PACKAGE, RTF, onenote(b"x" * 50, b"\x89PNG"), made(EMBEDDED["objects in RTF"], CLEAN, "first")]),
    st.lists(st.tuples(st.integers(0, 9000), st.binary(min_size=1, max_size=6)), max_size=8),
    st.integers(0, 12_000),
)
def test_any_document_is_opened_or_refused(start: bytes, changes: list[tuple[int, bytes]], cut: int) -> None:
    """Whatever it is, the answer is members or a reason."""
    data = bytearray(start)
    for at, octets in changes:
        data[at : at + len(octets)] = octets
    for one in (bytes(data), bytes(data[:cut])):
        if recognised(one):
            assert all(isinstance(found, Member | FaultError) for found in members(one))
