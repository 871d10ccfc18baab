"""Conversations with the mail clients that people use: what each shows of our mail, and how its answers are read."""
