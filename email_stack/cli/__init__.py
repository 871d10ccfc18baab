"""The operator's command line, `email-stack`."""

from email_stack.cli.main import main

__all__ = ["main"]
