"""The page that compares readers of replies: its figures of the platform are true, and no other reader is better in a language."""

from __future__ import annotations

import re
from typing import Final

from benchmarks.replies import PAGE, by_platform, tally
from benchmarks.replies_corpus import answers, written_mail

CORPUS: Final = [*answers(), *written_mail()]
ROW: Final = re.compile(r"^\| ([\w-]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def test_figures_of_the_page() -> None:
    """The page was written from this corpus, and by this reader."""
    ours = tally(CORPUS, [by_platform(one) for one in CORPUS])
    totals = tally(CORPUS, [one.reply for one in CORPUS])
    rows = {name: (int(total), int(right)) for name, total, right, *_ in ROW.findall(PAGE.read_text())}
    assert rows == {code: (totals[code], ours[code]) for code in ours} | {
        "all": (len(CORPUS), sum(ours.values())),
    }


def test_no_other_reader_is_better() -> None:
    """In any language, nor of mail as it was written."""
    rows = ROW.findall(PAGE.read_text())
    assert len(rows) > 30
    for name, _, ours, *others in rows:
        assert int(ours) >= max(map(int, others)), name


def test_whole_messages_are_all_right() -> None:
    """Of answers in one language what is missed is one kind: a name in front of the line, which then stays with the answer."""
    wrong = [one for one in CORPUS if by_platform(one).strip() != one.reply.strip()]
    assert {one.form for one in wrong} == {"folded line"}
    assert {by_platform(one).strip() for one in wrong} == {"That suits me.\n\nIda\n\nOlaf Lund"}
