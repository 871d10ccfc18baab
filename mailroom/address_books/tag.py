"""Key of the session tag that a tenant's table asks for. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["TAG"]

TAG: Final = "stack"
"""Its value is the id of the stack, from CloudFormation."""
