"""The AWS emulator of the demo and the end-to-end tests: ministack with an extension of the project's own.

For development only: nothing else of the distribution imports it. `docs/emulator.md` says what it stands in for.
"""

from __future__ import annotations

from emulator.assembly import deploy
from emulator.inbound import Outcome, Receipt, StoredObject
from emulator.process import Emulator, EmulatorError

__all__ = ["Emulator", "EmulatorError", "Outcome", "Receipt", "StoredObject", "deploy"]
