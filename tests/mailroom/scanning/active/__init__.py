"""Tests of active content."""
