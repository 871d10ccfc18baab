"""A longer look than the tests take: `python -m tests.linear [WORD...]`. Exits with 1 when something is slower."""

from __future__ import annotations

import sys

from tests.linear.mails import GROWN, grows
from tests.linear.measure import BOUND
from tests.linear.patterns import patterns, slow_texts


def _main(words: list[str]) -> int:
    slow = 0
    for found in patterns():
        if all(word in found.name for word in words):
            texts = list(slow_texts(found, thorough=True))
            slow += len(texts)
            print(found.name, *(texts or ["linear"]), sep="\n  ", flush=True)
    for name in GROWN:
        if all(word in name for word in words):
            grown = grows(name, size=64_000, largest=4_096_000)
            slow += grown > BOUND
            print(name, f"{grown:.1f} times" if grown > BOUND else "linear", sep="\n  ", flush=True)
    return 1 if slow else 0


sys.exit(_main(sys.argv[1:]))
