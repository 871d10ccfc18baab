"""The stacks of a config."""

from email_stack.stacks.platform import add_stacks, new_app

__all__ = ["add_stacks", "new_app"]
