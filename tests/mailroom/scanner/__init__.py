"""The scanner on the emulator, with a real clamd."""
