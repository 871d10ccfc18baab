"""Tests of what the command line does."""
