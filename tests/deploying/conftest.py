"""A tenant's template, as the release makes it of a snapshot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from email_stack.config.document import parsed
from email_stack.deploying.synthesis import Platform, Synthesis
from email_stack.settings.snapshots import snapshot_of
from tests.config.test_snapshots import WISH
from tests.validation import NO_VALIDATION

PLATFORM = Platform(document=parsed("cells: {eu: {region: eu-central-1}}\ntenants: []\n", "tenants.yaml"), cell="eu")


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """Of one domain with two addresses."""
    made: dict[str, Any] = json.loads(Synthesis(platform=PLATFORM, environment=NO_VALIDATION)(snapshot_of(WISH)))
    return made
