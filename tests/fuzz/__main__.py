"""One target, with options of libFuzzer's behind its name: `python -m tests.fuzz message -max_total_time=600`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["mailroom"]):
    from tests.fuzz.targets import TARGETS

_, name, *options = sys.argv
atheris.Setup([sys.argv[0], *options], TARGETS[name])
atheris.Fuzz()
