"""The AWS emulator of the demo and the end-to-end tests: ministack with an extension of the project's own.

It is for development only: no other package imports it. `docs/emulator.md` lists its services.
"""

from __future__ import annotations

from emulator.assembly import deploy
from emulator.inbound import Outcome, Receipt, StoredObject
from emulator.process import Emulator, EmulatorError

__all__ = ["Emulator", "EmulatorError", "Outcome", "Receipt", "StoredObject", "deploy"]
