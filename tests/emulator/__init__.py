"""Tests of the emulator's extension, and of how it is started and stopped."""
