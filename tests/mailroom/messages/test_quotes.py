"""Quoted text is separated from written text; an uncertain text stays whole."""

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
    "Russian": ("Да\n", "3 марта 2026 г., в 10:12, Anna <a@example.org> написал(а):\n> Привет\n"),  # noqa: RUF001 - Russian
    "any language, in two lines": ("Jah\n\n", "3. märts 2026 kell 10:12 kirjutas\nAnna <a@example.org>:\n\n> Tere\n"),
    "Japanese": (
        "はい\n\n",
        "-----元のメッセージ-----\n差出人: 花子\n送信日時: 2026年3月3日\n件名: 訪問\n\nこんにちは\n",
    ),
    "unmarked, of a client that says who and when": (
        "Yes\n\n",
        "On Tuesday, March 3, 2026 at 10:12:00 AM GMT+1, Anna <a@example.org> wrote:\n\nSee you.\n",
    ),
    "mailbox's escape within": ("Yes\n\n", "> We came\n>From the station\n> to you.\n"),
    "signature below": ("Yes\n\n", "> Will you?\n\n-- \nBob\n"),
    "footer of a list": ("Yes\n\n", "> Will you?\n_____________________________\nA list\nhttps://lists.example\n"),
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
        "My connection:\n\nFrom: Berlin\nTo: Hamburg\nDate: 5 March 2026\n\nSee you\n",
        "See you at the bridge.\n>From there we walk.\n",
        "See:\n\n> Begin forwarded message:\n>\n> From: Carol <c@example.net>\n> Subject: x\n> Date: today\n>\n> Hello\n",
        "Yes\n\n> Will you?\n\n-- \nBob\n\n> And Carol?\nNo.\n",
        "On Tuesday at 10:12 Anna wrote:\n\nand I did not see it.\n",
        "",
    ],
)
def test_nothing_is_split_off(text: str) -> None:
    """Answers between quoted lines, forwarded mail, prose."""
    assert split_quoted(text) == (text, "")


def test_forwarded_by_its_subject() -> None:
    """Outlook forwards with the same lines as it answers with; an answer to what was forwarded is an answer."""
    text = "See below.\n\nFrom: Carol <c@example.net>\nSent: Monday\nTo: Bob\nSubject: x\n\nHello\n"
    for subject in ("FW: x", "WG: x", "Fwd\uff1ax"):
        assert split_quoted(text, subject) == (text, "")
    assert split_quoted(text, "RE: FW: x")[0] == "See below.\n"


@given(
    st.lists(
        st.sampled_from(
            [
                *("> a", ">From b", "On 23 Nov 2026 wrote:", "2026-11-23 10:00 c@d:", "", "text", "-- "),
                *("From: x", "To: y", "Subject: z", "-----Original Message-----", "____________________"),
            ]
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
