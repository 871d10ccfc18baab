"""Both languages say the same things, all of them, and nothing that no page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.resources import files

import pytest

from constructs_lib.records import Purpose
from email_stack.dns_setup.letter import TONES
from email_stack.dns_setup.texts import TEXTS
from email_stack.dns_setup.wording import Texts
from email_stack.dnscheck.model import Status


def _all(texts: Texts) -> Iterator[tuple[str, str]]:
    for field in fields(texts):
        held = getattr(texts, field.name)
        pairs = held.items() if isinstance(held, Mapping) else enumerate(held)
        yield from ((f"{field.name}.{key}", text) for key, text in pairs)


def test_the_languages_hold_the_same_texts() -> None:
    """The same keys with the same things put in."""
    english, german = dict(_all(TEXTS["en"])), dict(_all(TEXTS["de"]))
    assert english.keys() == german.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", german[key])), key


@pytest.mark.parametrize("texts", TEXTS.values())
def test_every_purpose_and_status_has_its_words(texts: Texts) -> None:
    """None is left out, and only OK needs no advice."""
    assert set(texts.purposes) == set(texts.purpose_sentences) == set(Purpose)
    assert set(texts.status_words) == set(texts.status_fixes) == set(TONES) == set(Status)
    assert [status for status, fix in texts.status_fixes.items() if not fix] == [Status.OK]
    assert set(texts.overall) == {Status.OK, Status.PENDING, Status.WRONG}
    assert len(set(texts.status_words.values())) == len(Status)
    assert all(text for key, text in _all(texts) if key != f"status_fixes.{Status.OK}")


def test_german_is_german() -> None:
    """No sentence was left in English: short words may be the same, sentences not."""
    english, german = dict(_all(TEXTS["en"])), dict(_all(TEXTS["de"]))
    assert not [key for key, text in english.items() if text.count(" ") > 2 and text == german[key]]


def test_every_label_is_used() -> None:
    """No text is kept that neither the letter nor Markdown shows."""
    package = files("email_stack.dns_setup")
    used = "".join(
        package.joinpath(name).read_text(encoding="utf-8")
        for name in ("letter.html.jinja", "letter.py", "markdown.py", "remedies.py")
    )
    assert [key for key in TEXTS["en"].ui if not re.search(rf"""["']{key}["']""", used)] == []
