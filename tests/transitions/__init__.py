"""Tests of the judge of transitions."""
