"""Finds what is malicious in a message, and decides what becomes of it. Pure but for the socket of clamd."""
