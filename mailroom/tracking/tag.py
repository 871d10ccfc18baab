"""Key of the session tag that a tenant's table asks for. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["TAG"]

TAG: Final = "configuration-set"
"""Its value is the name that SES put into the event, and nothing that was looked up: a registry that names a wrong table names one
that lets nobody in."""
