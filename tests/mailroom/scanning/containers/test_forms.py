"""Each container form, with the payload in each place, plain and two deep: opened or held; and documented as it is."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from mailroom.scanning.active.risks import OFF
from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import Delivery, decide
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy, ScanResult, Verdict
from tests.mailroom.clamav import EICAR
from tests.mailroom.scanning.containers import forms
from tests.mailroom.scanning.containers.embedded_forms import EMBEDDED
from tests.mailroom.scanning.containers.forms import POSITIONS, made, zipped
from tests.mailroom.scanning.containers.test_hiding_places import CLEAN, NOW
from tests.mailroom.scanning.hiding import encoded, mixed

pytestmark = pytest.mark.slow
DOCUMENT: Final = Path(__file__).parents[4] / "docs" / "scanning.md"
FORMS: Final = {**forms.FORMS, **EMBEDDED}
NAMED: Final = frozenset({"tar.br", "Brotli"})
BEGIN: Final = "<!-- container forms: written by tests/mailroom/scanning/containers/test_forms.py -->\n"
END: Final = "<!-- end of container forms -->\n"


@pytest.fixture(scope="module")
def messages() -> dict[tuple[str, str, str, bytes], bytes]:
    """Each message, by form, place of the payload, depth, and payload."""
    plain = [(form, place, "plain", payload) for form in FORMS for place in POSITIONS for payload in (EICAR, CLEAN)]
    deep = [(form, place, "nested", EICAR) for form in FORMS for place in POSITIONS]
    keys = [*plain, *deep, *((form, "first", "nested", CLEAN) for form in FORMS)]

    def one(key: tuple[str, str, str, bytes]) -> bytes:
        form, place, depth, payload = key
        if depth == "nested":
            return mixed(encoded(nested(form, payload, place), "outer.zip"))
        return mixed(encoded(made(FORMS[form], payload, place), "file.br" if form in NAMED else "file.bin"))

    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(keys, pool.map(one, keys), strict=True))


def nested(form: str, payload: bytes, position: str) -> bytes:
    """The form in a ZIP archive, and the payload in another one within the form."""
    container = made(FORMS[form], zipped(payload), position, "inner.zip")
    return zipped(container) if form not in NAMED else named_br(container)


def named_br(content: bytes) -> bytes:
    """In an archive with the name that is all that tells Brotli."""
    return zipped(content).replace(b"inner.dat", b"inner1.br")


def test_each_form_is_opened_or_held(messages: dict[tuple[str, str, str, bytes], bytes], engine: Clamd) -> None:
    """No payload is delivered in any; and where a form is opened, the same without the payload is delivered as it came."""
    verdicts: dict[str, set[str]] = {form: set() for form in FORMS}
    wrong: list[str] = []

    def scanned(raw: bytes) -> tuple[ScanResult, Delivery]:
        result = scan_message(raw, engine)
        return result, decide(
            raw, result, Policy(active_content=OFF), rescan=lambda left: scan_message(left, engine), now=NOW
        )

    with ThreadPoolExecutor(max_workers=3) as pool:
        results = dict(zip(messages, pool.map(scanned, messages.values()), strict=True))
    for (form, position, depth, payload), (result, outcome) in results.items():
        raw = messages[form, position, depth, payload]
        if payload == EICAR:
            if outcome.action not in {Action.STRIP, Action.HOLD}:
                wrong.append(f"{form}, {position}, {depth}: delivered with the payload")
            continue
        verdicts[form].add(result.verdict.value)
        opened = result.verdict is Verdict.CLEAN
        if opened and outcome.message != raw:
            wrong.append(f"{form}, {position}, {depth}: the harmless one is not delivered as it came")
        if form not in UNOPENED and not opened:
            said = [(part.path, part.signature) for part in result.found]
            wrong.append(f"{form}, {position}, {depth}: the harmless one is held: {said}")
    assert not wrong, "\n".join(wrong)
    table = "| form | without malware |\n|---|---|\n" + "".join(
        f"| {form} | {', '.join(sorted(found)) if found != {'clean'} else 'delivered'} |\n"
        for form, found in verdicts.items()
    )
    text = DOCUMENT.read_text()
    if os.environ.get("WRITE_CONTAINER_FORMS"):
        DOCUMENT.write_text(
            re.sub(re.escape(BEGIN) + r"[\s\S]*?" + re.escape(END), lambda _: BEGIN + table + END, text)
        )
        text = DOCUMENT.read_text()
    assert BEGIN + table + END in text, "docs/scanning.md differs; run this with WRITE_CONTAINER_FORMS=1"
    assert len(FORMS) >= 60


UNOPENED: Final = frozenset({
    "DMG", "CHM",
    "ZIP, LZMA (7-Zip)", "ZIP, PPMd (7-Zip)", "ZIP, LZMA (Python)", "ZIP with a password (zip -e)",
    "ZIP with a password, AES (7-Zip)",
    "ZIP, Deflate64 (7-Zip)", "7z with a password", "7z with a password on its names", "tar.lzo", "lzop", "ISO 9660 and UDF", "WIM",
    "VHD, fixed", "VHD, dynamic", "VHDX", "VMDK", "QCOW2", "VDI", "SquashFS",
})  # fmt: skip
"""What nobody opens: held, with malware or without."""
