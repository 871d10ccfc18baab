"""Tables of the emulator's."""

from tests.mailroom.store.conftest import emulator, store

__all__ = ["emulator", "store"]
