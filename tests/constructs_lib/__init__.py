"""Tests of what constructs_lib holds."""
