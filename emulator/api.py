"""`make api`: an emulator, and the e-mail settings API on loopback in front of it, until it is interrupted."""

from __future__ import annotations

import subprocess
import sys

from emulator.by_hand import REGION
from emulator.process import Emulator

__all__ = ["main"]


def main() -> int:
    """Start both, and stop both. Returns the exit code."""
    with Emulator() as emulator:
        command = [sys.executable, "-m", "email_stack.cli", "api", "--local", *sys.argv[1:]]
        try:
            return subprocess.run(command, env=emulator.environment(REGION), check=False).returncode
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
