"""Key of the session tag that a tenant's table asks for. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["TAG"]

TAG: Final = "configuration-set"
"""Its value is the name in SES's event, and is never looked up: so a wrong table in the registry admits no session."""
