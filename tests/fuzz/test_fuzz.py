"""Faults found by fuzzing do not return, and a bounded search finds no new one."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from mailroom.messages import parse
from tests.fuzz.targets import TARGETS
from tests.mailroom.messages.corpus import CASES, CORPUS
from tests.mailroom.messages.test_rtf import HELLO, HTML, OVERLAPPING
from tests.mailroom.messages.test_smime import HEAD
from tests.mailroom.messages.test_tnef import WHOLE

FOUND: Final = CORPUS / "fuzzed"
RUNS: Final = {
    "message": 2_500,
    "scanned": 1_500,
    "header": 6_000,
    "charset": 40_000,
    "tnef": 60_000,
    "rtf": 12_000,
    "smime": 60_000,
    "text": 15_000,
    "html": 8_000,
}
"""Of each target: a few seconds."""
LABELS: Final = [
    "utf-8",
    "utf-7",
    "iso-2022-jp",
    "euc-jp",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-kr",
    "koi8-r",
    "utf-16le",
]


@pytest.mark.parametrize("file", sorted(FOUND.glob("*/*")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_found_before(file: Path) -> None:
    """Each input that made a target fail."""
    TARGETS[file.parent.name](file.read_bytes())


@pytest.fixture(scope="module")
def searches() -> Iterator[subprocess.Popen[str]]:
    """The process that makes searches, each in a fork."""
    # The search has a tracer of its own, and what it reaches is in the tests of the parser as well.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "tests.fuzz"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            # With the search that was not waited for.
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has nothing for this machine")
@pytest.mark.parametrize("target", TARGETS)
def test_search(target: str, searches: subprocess.Popen[str], tmp_path: Path) -> None:
    """From what is known, so many steps further; the same ones each time."""
    start = tmp_path / "start"
    start.mkdir()
    for number, seed in enumerate(_seeds(target)):
        (start / str(number)).write_bytes(seed)
    options = [f"-runs={RUNS[target]}", "-seed=5", "-max_len=2000", "-timeout=20", "-rss_limit_mb=2000"]
    said = tmp_path / "said"
    order = {"target": target, "options": [*options, f"-artifact_prefix={tmp_path}/", str(start)], "said": str(said)}
    assert searches.stdin is not None
    assert searches.stdout is not None
    searches.stdin.write(f"{json.dumps(order)}\n")
    searches.stdin.flush()
    assert select.select([searches.stdout], [], [], 300)[0], "it takes more than 300 s"
    code, told = searches.stdout.readline().strip(), said.read_text(errors="replace")
    assert code == "0", told[-3000:]
    # It looks at its limit between batches.
    runs = re.search(r"^Done (\d+) runs", told, re.MULTILINE)
    assert runs is not None, told[-3000:]
    assert int(runs[1]) >= RUNS[target]


def _seeds(target: str) -> list[bytes]:
    """Seeds of the search."""
    known = [file.read_bytes() for file in sorted((FOUND / target).glob("*"))]
    pieces = b"\x24\x80\x04\x05a: b\n\0\0"
    match target:
        case "message" | "scanned":
            found = [case.raw for case in CASES]
        case "header":
            found = [line for case in CASES for line in re.split(rb"\r?\n\r?\n", case.raw)[0].splitlines()[:6]]
        case "charset":
            found = [label.encode() + b'\n\xa4\xe9\x1b$B$"\x1b(B+AOk-' for label in LABELS]
        case "tnef":
            found = [WHOLE, *_files("ms-tnef")]
        case "rtf":
            found = [HELLO, OVERLAPPING, HTML]
        case "smime":
            found = [HEAD + pieces, HEAD + pieces[2:-2], *_files("pkcs7-mime")]
        case "html":
            found = [case.raw for case in CASES if b"text/html" in case.raw.lower()]
        case _:
            found = [case.raw for case in CASES if case.file.parent.name in {"quotes", "practice"}]
    return known + found


def _files(kind: str) -> list[bytes]:
    """The corpus's attachments of this kind."""
    attached = [one for case in CASES for one in parse(case.raw).attachments]
    return [bytes(one.data) for one in attached if one.content_type.endswith(kind)]
