"""The command line in this process reads its options and AWS's models once."""

from __future__ import annotations

from tests.once import read_once

read_once()
