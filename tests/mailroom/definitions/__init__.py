"""Definitions, with freshclam against a source on loopback."""
