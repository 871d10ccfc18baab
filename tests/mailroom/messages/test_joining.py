"""Subjects that are one are told, by the rules of RFC 5256 and the marks of other languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages.joining import plain_subject


@pytest.mark.parametrize(
    "subject",
    [
        *("Pflanzplan", "[Garten] Re: Pflanzplan", "Pflanzplan (fwd)", "Re: [Fwd: Pflanzplan]", "Re: Pflanzplan"),
        *("RE: [Garten] pflanzplan", "[a] [b] Re[2]: Pflanzplan", "Re (3): Pflanzplan", "Re [Garten]: Pflanzplan"),
        *("AW: WG: Pflanzplan", "Fwd: Pflanzplan (fwd) (FWD)", "[Fwd: Re: Pflanzplan (fwd)]", " Re :  Pflanzplan  "),
        *(
            "\u8f6c\u53d1\uff1aPflanzplan",
            "VS: SV: Pflanzplan",
            "Odp: Pflanzplan",
            "\u0130LT: Pflanzplan",
            "R: I: Pflanzplan",
        ),
    ],
)
def test_one_subject(subject: str) -> None:
    """Whatever marks, tags and trailers stand around it."""
    assert plain_subject(subject) == "pflanzplan"


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("[Garten]", "[garten]"),
        ("Re: [Garten]", "[garten]"),
        ("Re:", ""),
        ("", ""),
        ("Regal: zwei", "regal: zwei"),
        ("Plan (fwd) zwei", "plan (fwd) zwei"),
        ("a  b\t c", "a b c"),
        ("[[a]] b", "[[a]] b"),
    ],
)
def test_what_is_no_mark_stays(subject: str, base: str) -> None:
    """Words of the subject itself, and a tag with nothing behind it."""
    assert plain_subject(subject) == base


@given(st.lists(st.sampled_from(["Re: ", "[a] ", "(fwd)", "[Fwd: ", "]", "x", " ", ":"]), max_size=12).map("".join))
def test_base_of_a_base(subject: str) -> None:
    """It is its own base, and an answer to it has the same."""
    base = plain_subject(subject)
    assert plain_subject(base) == base
    assert plain_subject(f"Re: {base}") == base
