"""Tests of `email_stack.config`."""
