"""Tests of `email_stack.dnscheck`."""
