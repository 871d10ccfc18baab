"""Tests of what the stacks hold."""
