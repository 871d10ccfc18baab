"""The part of a config that the settings API's functions get: the cell, and the config's own fields of the API's tenants. Pure."""

from __future__ import annotations

from typing import Any

from email_stack.config.models import Config
from email_stack.config.snapshots import OWNED

__all__ = ["platform_of"]


def platform_of(config: Config, cell_id: str) -> dict[str, Any]:
    """A document of one cell, in the form of a file of tenants. It leaves out defaults, and the fields that the API owns.

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
