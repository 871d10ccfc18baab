"""One target, with options of libFuzzer's behind its name: `python -m tests.fuzz message -max_total_time=600`.

Without a target, it reads a search a line: a JSON object with `target`, `options` and `said`, the file that takes what is printed.
Each is made in a fork, so that what is imported is instrumented once; its exit code is printed.
"""

from __future__ import annotations

import json
import os
import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["mailroom"]):
    from tests.fuzz.targets import TARGETS


def _search(target: str, options: list[str]) -> None:
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


def _fork(target: str, options: list[str], said: str) -> int:
    """The exit code of a search."""
    child = os.fork()
    if not child:
        opened = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (1, 2):
            os.dup2(opened, number)
        _search(target, options)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if len(sys.argv) > 1:
    _search(sys.argv[1], sys.argv[2:])
else:
    for line in sys.stdin:
        print(_fork(**json.loads(line)), flush=True)
