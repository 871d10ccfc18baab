"""Scanning, against a real clamd."""
