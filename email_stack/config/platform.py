"""What the settings API's functions have of a config: the cell, and what the config says of the tenants that the API owns. Pure."""

from __future__ import annotations

from typing import Any

from email_stack.config.models import Config
from email_stack.config.snapshots import OWNED

__all__ = ["platform_of"]


def platform_of(config: Config, cell_id: str) -> dict[str, Any]:
    """A document of one cell, as a file of tenants is written: what holds by default is left out, and what the API owns as well.

    Raises:
        ConfigError: there is no such cell.
    """
    cell = config.cell(cell_id)
    return {
        "cells": {cell.id: cell.model_dump(mode="json", exclude_unset=True, exclude={"id"})},
        "tenants": [
            tenant.model_dump(mode="json", exclude_unset=True, exclude=set(OWNED))
            for tenant in config.tenants_of(cell_id)
            if tenant.settings == "api"
        ],
    }
