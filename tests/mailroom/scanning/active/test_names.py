"""Names of programs, as senders write them and clients save them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.scanning.active.names import BLOCKED, GMAIL, OUTLOOK, names_within, risk_of_name, risk_of_type
from mailroom.scanning.active.risks import Risk


@pytest.mark.parametrize("extension", sorted(BLOCKED))
def test_each_extension_is_known(extension: str) -> None:
    """Of both lists, in either case, behind another extension."""
    assert risk_of_name(f"invoice.{extension}") is Risk.PROGRAMS
    assert risk_of_name(f"invoice.pdf.{extension.upper()}") is Risk.PROGRAMS


def test_both_lists_are_there() -> None:
    """What each of them is known for, and what only one of them has."""
    assert {"exe", "js", "lnk", "iso", "vhd", "jar", "msi", "hta", "ps1", "scr"} <= GMAIL | OUTLOOK
    assert {"apk", "dmg", "mjs"} <= GMAIL - OUTLOOK
    assert {"vhdx", "py", "url", "reg", "settingcontent-ms"} <= OUTLOOK - GMAIL


@pytest.mark.parametrize(
    "name",
    [
        "invoice\u202efdp.exe",
        "invoice\u2067\u202efdp\u202c.exe",
        "invoice.e\u200bxe",
        "invoice.exe\u202c\u200f",
        "invoice.exe.",
        "invoice.exe . .",
        "invoice.exe\u00a0",
        "invoice.pdf                                   .scr",
        "invoice.\uff45\uff58\uff45",
        "invoice.exe\0.pdf",
        "invoice.exe\r\n.pdf",
        "invoice.exe:stream.txt",
        "invoice.exe::$DATA",
        "a/b\\c.exe",
        "INVOICE.EXE;1",
        "invoice%2eexe",
        "invoice.txt.{00021401-0000-0000-C000-000000000046}",
        '"invoice.exe"',
        "x" * 5000 + ".exe",
    ],
)
def test_disguised_names_are_known(name: str) -> None:
    """Marks that turn a name around, white space and dots that systems drop, other spellings, and ends that some readers see."""
    assert risk_of_name(name) is Risk.PROGRAMS


@pytest.mark.parametrize(
    "name",
    [
        "",
        "invoice.pdf",
        "exe",
        "google.com!acme.example!1700000000!1700086400.xml.gz",
        "report.v2.docx",
        "plan.exe.txt",
        "photo.jpeg",
        "invite.ics",
        "smime.p7s",
        "Re: your order at shop.com.eml",
        "..",
    ],
)
def test_other_names_are_not(name: str) -> None:
    """What people send each other every day."""
    assert risk_of_name(name) is None


def test_documents_with_macros_have_names_of_their_own() -> None:
    """By which Office tells them, too."""
    assert risk_of_name("plan.XLSM") is Risk.MACROS


def test_subject_of_a_message_is_no_name_of_a_program() -> None:
    """A message that is attached is named by its subject, which may end in a domain."""
    assert risk_of_name("Order at shop.com", of_message=True) is None
    assert risk_of_name("Order.exe", of_message=True) is Risk.PROGRAMS


def test_type_names_what_has_no_name() -> None:
    """Clients make an extension of it."""
    assert risk_of_type("application/x-msdownload") is Risk.PROGRAMS
    assert risk_of_type("application/pdf") is None


@pytest.mark.parametrize(
    "header",
    [
        'attachment; filename="a.txt"; filename="evil.exe"',
        "attachment; filename=\"a.txt\"; filename*=utf-8''evil%2Eexe",
        'attachment; filename*0="evil"; filename*1=".exe"',
        'application/octet-stream; name="=?utf-8?B?ZXZpbC5leGU=?="',
        "application/octet-stream; NAME = evil.exe",
        'attachment; filename="evil.exe',
    ],
)
def test_every_way_to_name_is_read(header: str) -> None:
    """Clients differ on which of several names counts."""
    assert any(risk_of_name(name) for name in names_within(header))


@given(st.text(max_size=60))
def test_any_name_is_looked_at(name: str) -> None:
    """None raises; and with a program's extension behind it, it is one."""
    risk_of_name(name)
    list(names_within(name))
    assert risk_of_name(f"{name}x.exe") is Risk.PROGRAMS
