"""What of a message its author wrote: the platform beside mail-parser-reply and talon, on one corpus, by language.

An answer counts as right where it is found to the letter, but for the white space around it. Writes docs/benchmarks/replies.md.

    make bench                                          this and the others
    python -m benchmarks.replies --others PYTHON        with the Python of an environment of benchmarks/requirements.lock
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.replies_corpus import Answer, answers, written_mail
from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.messages.quotes import split_quoted

OTHERS: Final = Path(__file__).with_name("replies_others.py")
PAGE: Final = PROJECT_ROOT / "docs" / "benchmarks" / "replies.md"
PLATFORM: Final = "platform"


def main() -> None:
    """Ask all, and write the page."""
    parser = argparse.ArgumentParser(description="Compares readers of replies.")
    parser.add_argument("--others", type=Path, required=True, help="Python that has mail-parser-reply and talon")
    corpus = [*answers(), *written_mail()]
    found = {PLATFORM: [by_platform(one) for one in corpus], **_by_others(parser.parse_args().others, corpus)}
    right = {name: tally(corpus, replies) for name, replies in found.items()}
    text = _page(corpus, right)
    print(text)
    PAGE.write_text(text, encoding="utf-8")


def by_platform(answer: Answer) -> str:
    """What the platform's reader says that the author wrote."""
    return split_quoted(answer.text, "Re: Regal" if answer.language != "mail" else "")[0]


def tally(corpus: Sequence[Answer], replies: Sequence[str]) -> dict[str, int]:
    """How many are right in each language."""
    counts = {one.language: 0 for one in corpus}
    for answer, reply in zip(corpus, replies, strict=True):
        counts[answer.language] += reply.strip() == answer.reply.strip()
    return counts


def _by_others(python: Path, corpus: Sequence[Answer]) -> dict[str, list[str]]:
    asked = json.dumps([(one.text, one.language) for one in corpus])
    done = subprocess.run([python, OTHERS], input=asked, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def _page(corpus: Sequence[Answer], right: Mapping[str, Mapping[str, int]]) -> str:
    languages = list(dict.fromkeys(one.language for one in corpus))
    totals = {code: sum(one.language == code for one in corpus) for code in languages}
    lines = [
        "# Replies",
        "",
        "Written by `make bench`. How many answers are found to the letter: above the lines that Outlook, Gmail, Apple Mail and",
        "others write in each language, and in `mail`, the messages of `tests/corpus/quotes`, with prose, forwarded mail and",
        "answers between quoted lines. `benchmarks/replies_corpus.py` makes the corpus of this table's phrases and those of the",
        "other two. mail-parser-reply is told the language.",
        "",
        f"| language | answers | {' | '.join(right)} |",
        f"|---|---:|{'---:|' * len(right)}",
    ]
    lines += [
        f"| {code} | {totals[code]} | {' | '.join(str(one[code]) for one in right.values())} |" for code in languages
    ]
    sums = " | ".join(str(sum(one.values())) for one in right.values())
    lines += [f"| all | {len(corpus)} | {sums} |", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
