"""Settings of the tracking function from its environment."""

from __future__ import annotations

import pytest

from mailroom.functions.tracking_settings import Settings
from tests.mailroom.tracking.test_lines import SETS

ENVIRONMENT = {
    "CONFIGURATION_SETS_ARN": SETS,
    "EVENT_BUS": "default",
    "MAX_RECEIVES": "5",
    "QUEUE_URL": "https://queue",
    "REGISTRY_PATH": "/email-cell-eu/configuration-sets/",
    "TABLES_ROLE_ARN": "arn:aws:iam::000000000000:role/tables",
}


def test_settings() -> None:
    """From the environment; what is missing is named."""
    assert Settings.from_environment(ENVIRONMENT) == Settings(
        event_bus="default",
        sets_arn=SETS,
        registry_path="/email-cell-eu/configuration-sets/",
        role_arn="arn:aws:iam::000000000000:role/tables",
        queue_url="https://queue",
        max_receives=5,
    )
    for name in ENVIRONMENT:
        with pytest.raises(ValueError, match=f"{name} must be set"):
            Settings.from_environment({key: value for key, value in ENVIRONMENT.items() if key != name})
