"""Tests of what is noted of mail that was sent."""
