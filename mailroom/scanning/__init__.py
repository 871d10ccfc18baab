"""Finds malware in a message, and decides on the action. Pure, except for the socket of clamd."""
