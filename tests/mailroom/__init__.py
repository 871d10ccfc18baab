"""Tests of what mailroom holds."""
