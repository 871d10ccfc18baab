"""What is quoted is told from what was written; where that is not certain, nothing is split off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages.plain import text_of_html
from mailroom.messages.quotes import split_quoted

SPLIT = {
    "Gmail": ("Thanks!\n\n", "On Mon, 23 Nov 2026 at 10:00, Anna <anna@example.org> wrote:\n> See you.\n"),
    "folded": ("Thanks!\n\n", "On Mon, 23 Nov 2026 at 10:00, Anna\n<anna@example.org> wrote:\n\n> See you.\n"),
    "German": ("Danke!\n\n", "Am 23.11.2026 um 10:00 schrieb Anna:\n> Bis dann.\n"),
    "French": ("Merci\n", "Le 23/11/2026 à 10:00, Anna a écrit :\n> À bientôt\n"),
    "Outlook": ("Fine.\n\n", "-----Original Message-----\nFrom: Anna\nSent: Monday\nTo: Bob\nSubject: x\n\nSee you.\n"),
    "Outlook's lines": (
        "Gut.\n\n",
        "________________________________\nVon: Anna <a@example.org>\nGesendet: Montag\nAn: Bob\nBetreff: x\n\nBis dann\n",
    ),
    "only marks": ("Yes.\n\n", "> Will you come?\n> Anna\n"),
    "nested": ("Yes.\n", "> > Will you?\n> Perhaps.\n"),
}


@pytest.mark.parametrize("case", SPLIT)
def test_answer_above_a_quotation(case: str) -> None:
    """The answer is what stands above."""
    reply, quoted = SPLIT[case]
    found = split_quoted(reply + quoted)
    assert (found[0].strip(), found[1].strip()) == (reply.strip(), quoted.strip())


@pytest.mark.parametrize(
    "text",
    [
        "Just text.\n",
        "> Will you come?\nYes.\n> And Bob?\nNo.\n",
        "> Will you come?\n\nYes.\n",
        "> only a quotation\n",
        "On Monday I wrote: this is no quotation\nat all.\n",
        "As he wrote:\nnothing is quoted here.\n",
        "Try this:\n> make test\nand tell me.\n",
        "Look\n\n---------- Forwarded message ---------\nFrom: Anna\nDate: Monday\nSubject: x\nTo: Bob\n\nText\n",
        "Begin forwarded message:\n\nFrom: Anna\nSubject: x\nDate: today\n",
        "--\nAnna\n",
        "",
    ],
)
def test_nothing_is_split_off(text: str) -> None:
    """Answers between quoted lines, forwarded mail, prose."""
    assert split_quoted(text) == (text, "")


@given(
    st.lists(
        st.sampled_from(
            ["> a", "On 23 Nov 2026 wrote:", "", "From: x", "To: y", "Subject: z", "text", "-----Original Message-----"]
        )
    ).map("\n".join)
)
def test_nothing_is_lost(text: str) -> None:
    """Both together are the text, and what was written is never empty where something is split off."""
    reply, quoted = split_quoted(text)
    assert reply + quoted == text
    assert reply.strip() or not quoted


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<br>two &amp; three</p><p>four</p>", "One\ntwo & three\n\nfour\n"),
        ("<style>p{}</style><script>x()</script><!-- no -->a<b>b</b>", "ab\n"),
        ("<div>yes</div><blockquote>will<br>you?</blockquote>", "yes\n\n> will\n> you?\n"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb\n"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2\n"),
        ("<p>cut <b", "cut\n"),
        ("<!-- open", ""),
    ],
)
def test_words_of_html(html: str, text: str) -> None:
    """What a reader sees, line by line."""
    assert text_of_html(html) == text
