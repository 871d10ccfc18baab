"""Messages with active content: where it is found, and what becomes of them by their tenant's policy."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from mailroom.messages import parse
from mailroom.scanning.active.risks import OFF, STRICT, ActiveContent, Reaction, Risk
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import Delivery
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy, Verdict, policy_on
from tests.mailroom.scanning.active.samples import ACTIVE, PASSIVE, PE, compound, package
from tests.mailroom.scanning.conftest import clamd, engine
from tests.mailroom.scanning.hiding import archive, encoded, mixed, part, tnef, uuencode
from tests.mailroom.scanning.test_delivery import delivered, parsed

__all__ = ["clamd", "engine"]

SCRIPT = b"WScript.Echo 1\r\n"
MACROS = package(**{"[Content__Types]_xml": b"<Types/>"}, word__vbaProject_bin=compound(("_VBA_PROJECT", b"\xcc\x61")))


def tar(**files: bytes) -> bytes:
    """An archive of these files, by names without dots."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as writer:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(content)
            writer.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def forwarded(*parts: bytes) -> bytes:
    """A message that holds a message with these parts."""
    return mixed(part(mixed(*parts, boundary="inner"), "Content-Type: message/rfc822"))


WAYS: dict[str, bytes] = {
    "by its name": mixed(encoded(SCRIPT, "invoice.vbs")),
    "behind two extensions": mixed(encoded(SCRIPT, "invoice.pdf.vbs")),
    "by its content": mixed(encoded(PE, "invoice.pdf")),
    "in a zip": mixed(encoded(archive(SCRIPT, name="a/invoice.js"), "invoice.zip")),
    "in a zip in a zip": mixed(encoded(archive(archive(SCRIPT, name="invoice.js"), name="b.zip"), "invoice.zip")),
    "in a tar.gz": mixed(encoded(tar(invoice_hta=SCRIPT), "invoice.tgz")),
    "in a gzip that has its name": mixed(encoded(gzip.compress(SCRIPT), "invoice.bat.gz")),
    "in a winmail.dat": mixed(encoded(tnef(PE), "winmail.dat")),
    "in a message": forwarded(encoded(SCRIPT, "invoice.vbs")),
    "by a type alone": mixed(part(SCRIPT, "Content-Type: application/x-msdownload")),
    "by the second of its names": mixed(
        part(SCRIPT, 'Content-Type: text/plain; name="a.vbs"', 'Content-Disposition: attachment; filename="a.txt"')
    ),
    "by a name that is turned around": mixed(
        part(
            SCRIPT, "Content-Type: text/plain", "Content-Disposition: attachment; filename*=utf-8''inv%E2%80%AEfdp.vbs"
        )
    ),
    "as the text of another part": mixed(
        part(SCRIPT, "Content-Type: text/plain"),
        part(SCRIPT, "Content-Type: text/plain", 'Content-Disposition: attachment; filename="a.vbs"'),
    ),
}


def way(raw: bytes, engine: Clamd, **classes: Reaction) -> Delivery:
    """The action for a message by the preset `standard` and these reactions."""
    return delivered(raw, engine, Policy(active_content=ActiveContent(**classes)))


@pytest.mark.parametrize("raw", WAYS.values(), ids=WAYS.keys())
def test_programs_are_stripped(raw: bytes, engine: Clamd) -> None:
    """By default, wherever they are; a notice says why, in the recipient's words, and the rest is delivered."""
    assert scan_message(raw, engine).verdict is Verdict.CLEAN
    outcome = delivered(raw, engine)
    assert (outcome.action, outcome.risks) == (Action.STRIP, ())
    assert {Risk.PROGRAMS in one.risks for one in outcome.removed} == {True}
    notices = [one for one in parsed(outcome).walk() if one.get_filename() == "removed-attachment.txt"]
    said = notices[0].get_content()
    assert "because it is or holds a program or a script, which could do anything on your computer" in said
    assert "Found:   programs" in said
    assert Risk.PROGRAMS not in scan_message(outcome.message or b"", engine).risks


@pytest.mark.parametrize("raw", WAYS.values(), ids=WAYS.keys())
def test_off_delivers_as_it_came(raw: bytes, engine: Clamd) -> None:
    """Nothing is stripped, and nothing is told of."""
    outcome = delivered(raw, engine, Policy(active_content=OFF))
    assert (outcome.action, outcome.message, outcome.risks) == (Action.DELIVER, raw, ())


def test_mail_that_is_sent_may_have_it(engine: Clamd) -> None:
    """An application put it there itself."""
    raw = WAYS["by its name"]
    outcome = delivered(raw, engine, policy_on(Policy(active_content=STRICT), outgoing=True))
    assert (outcome.action, outcome.message) == (Action.DELIVER, raw)
    assert policy_on(Policy(), outgoing=False) == Policy()


def test_the_same_program_twice_is_stripped_twice(engine: Clamd) -> None:
    """Under two names, the octets are looked at once and removed from both places."""
    outcome = delivered(mixed(encoded(PE, "a.pdf"), encoded(PE, "b.pdf"), encoded(b"x", "c.txt")), engine)
    assert outcome.action is Action.STRIP
    assert [one.path for one in outcome.removed] == ["2", "3"]


def test_program_within_text_goes_with_it(engine: Clamd) -> None:
    """One that is written into the text of a part is removed with the part; of a message that is not divided, it is held."""
    text = part(b"see below\r\n" + uuencode(SCRIPT, "a.vbs"), "Content-Type: text/plain")
    outcome = delivered(mixed(text), engine)
    assert outcome.action is Action.STRIP
    assert b"begin 644" not in (outcome.message or b"")
    whole = delivered(b"From: a@example.net\r\n" + text, engine)
    assert (whole.action, whole.reason) == (Action.HOLD, "the finding is in no removable part")
    assert whole.risks == (Risk.PROGRAMS,)


FLAGGED: dict[str, tuple[bytes, str, Risk]] = {
    "macros": (MACROS, "plan.docx", Risk.MACROS),
    "macros in an old document": (ACTIVE["VBA in an old document"][0], "plan.doc", Risk.MACROS),
    "page": (ACTIVE["page with script"][0], "invoice.html", Risk.WEB_SCRIPTS),
    "drawing": (ACTIVE["script in SVG"][0], "logo.svg", Risk.WEB_SCRIPTS),
    "drawing, compressed": (gzip.compress(ACTIVE["handler in SVG"][0]), "logo.svgz", Risk.WEB_SCRIPTS),
    "OneNote": (ACTIVE["file in OneNote"][0], "notes.one", Risk.ONENOTE_FILES),
    "PDF": (ACTIVE["launch"][0], "form.pdf", Risk.PDF_ACTIONS),
    "PDF in a zip": (archive(ACTIVE["script in compressed objects"][0], name="f.pdf"), "f.zip", Risk.PDF_ACTIONS),
}


@pytest.mark.parametrize(("content", "name", "risk"), FLAGGED.values(), ids=FLAGGED.keys())
def test_the_rest_is_flagged(content: bytes, name: str, risk: Risk, engine: Clamd) -> None:
    """By default, it is delivered as it came, and whoever reads it is told; stripped or held where the tenant says so."""
    raw = mixed(encoded(content, name))
    outcome = delivered(raw, engine)
    assert (outcome.action, outcome.message, outcome.risks) == (Action.DELIVER, raw, (risk,))
    strict = delivered(raw, engine, Policy(active_content=STRICT))
    assert (strict.action, strict.risks) == (Action.STRIP, ())
    key = risk.value.replace("-", "_")
    held = way(raw, engine, **{key: Reaction.HOLD})
    assert (held.action, held.reason) == (Action.HOLD, f"it has active content: {risk.value}")
    assert held.risks == (risk,)
    quiet = way(raw, engine, **{key: Reaction.DELIVER})
    assert (quiet.action, quiet.message, quiet.risks) == (Action.DELIVER, raw, ())


@pytest.mark.parametrize("content", PASSIVE.values(), ids=PASSIVE.keys())
def test_what_is_none_is_delivered(content: bytes, engine: Clamd) -> None:
    """Under the strictest policy, to the octet."""
    raw = mixed(encoded(content, "file.bin"))
    outcome = delivered(raw, engine, Policy(active_content=STRICT))
    assert (outcome.action, outcome.message) == (Action.DELIVER, raw)


def test_stripped_message_keeps_its_flags(engine: Clamd) -> None:
    """What is still in it is told of, what was removed is not."""
    raw = mixed(encoded(SCRIPT, "a.vbs"), encoded(MACROS, "b.docx"))
    outcome = delivered(raw, engine)
    assert (outcome.action, outcome.risks) == (Action.STRIP, (Risk.MACROS,))


def test_text_of_a_newsletter_is_no_page(engine: Clamd) -> None:
    """Its script is run by no client, and `safe_html` drops it."""
    message = EmailMessage()
    message["From"] = "news@example.net"
    message.set_content("hello")
    message.add_alternative("<html><script>a()</script><p onclick='a()'>hello</p></html>", subtype="html")
    raw = message.as_bytes()
    assert delivered(raw, engine, Policy(active_content=STRICT)).message == raw
    assert parse(raw).html


def test_malware_counts_for_more(engine: Clamd) -> None:
    """A program that is malware is removed for that, and told of as that."""
    raw = WAYS["by its name"]
    result = scan_message(raw, engine)
    infected = [
        replace(one, verdict=Verdict.INFECTED, signature="S") if one.path == "2" else one for one in result.parts
    ]
    from mailroom.scanning.delivery import decide
    from tests.mailroom.scanning.test_delivery import NOW

    bad = replace(result, verdict=Verdict.INFECTED, parts=tuple(infected))
    outcome = decide(raw, bad, Policy(), rescan=lambda left: scan_message(left, engine), now=NOW)
    notice: Any = list(parsed(outcome).iter_parts())[1]
    assert "because it contains malware" in notice.get_content()
