"""Tests of email_stack.dns_setup: what customers install, and the letter."""
