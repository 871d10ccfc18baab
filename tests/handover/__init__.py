"""Tests of email_stack.handover: what customers install, and the letter."""
