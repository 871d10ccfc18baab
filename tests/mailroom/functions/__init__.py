"""Entries of Lambda, on the emulator."""
