"""The tracking function on a table of the emulator."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.tracking import EngagementKind
from mailroom.tracking.function import work_on
from mailroom.tracking.settings import Settings
from tests.mailroom.store.conftest import Store, everything
from tests.mailroom.tracking.test_lines import SES_ID, line


def batch(*lines: str) -> dict[str, Any]:
    """As Lambda hands it over."""
    return {"Records": [{"messageId": str(number), "body": one} for number, one in enumerate(lines)]}


def worked(store: Store, *lines: str, days: int | None = None) -> list[str]:
    """Work on the lines; returns the numbers of those to bring again."""
    settings = Settings(
        configuration_set="set", table=store.table, retention=timedelta(days=days) if days is not None else None
    )
    answer = work_on(batch(*lines), store.filing().table, settings)
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_events_are_there_in_their_order(store: Store) -> None:
    """However they come, and however often."""
    lines = [
        line("Click", at="2026-11-23T10:02:00.000Z", link="https://example.org/?a=|b"),
        line("Open", at="2026-11-23T10:01:00.000Z", bot="true"),
        line("Delivery", at="2026-11-23T10:00:00.000Z"),
    ]
    assert worked(store, *lines, lines[0], lines[2]) == []
    found = everything(store.reader.engagements, SES_ID, limit=2)
    assert [(one.kind, one.link, one.bot) for one in found] == [
        (EngagementKind.DELIVERY, "", False),
        (EngagementKind.OPEN, "", True),
        (EngagementKind.CLICK, "https://example.org/?a=|b", False),
    ]
    assert found[0].at == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert everything(store.reader.engagements, "another-id") == []


def test_events_of_one_moment(store: Store) -> None:
    """Two links at once are two clicks; one message's events are not another's."""
    other = SES_ID.replace("7f3e", "0000")
    lines = [line("Click", link=f"https://example.org/{name}") for name in "ab"] + [line("Click", message=other)]
    assert worked(store, *lines) == []
    assert len(everything(store.reader.engagements, SES_ID)) == 2
    assert len(everything(store.reader.engagements, other)) == 1


def test_what_cannot_be_done_keeps_nothing_else(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """It is brought again by itself; the log says what was wrong, and nothing of it."""
    with caplog.at_level(logging.INFO):
        assert worked(store, "anna@example.org", line("Open"), line(of="foreign")) == ["0", "2"]
    assert len(everything(store.reader.engagements, SES_ID)) == 1
    assert f"message {SES_ID}: Open" in caplog.text
    assert "anna" not in caplog.text


def test_events_expire(store: Store) -> None:
    """By the retention of messages, from when they happened; what has expired is not shown."""
    assert worked(store, line("Open"), days=30) == []
    items = store.client("dynamodb").scan(TableName=store.table)["Items"]
    moment = datetime(2026, 11, 23, 10, 0, tzinfo=UTC) + timedelta(days=30)
    assert [item["expires"]["N"] for item in items] == [str(int(moment.timestamp()))]
    assert set(items[0]) == {"pk", "sk", "kind", "at", "expires"}


def test_settings() -> None:
    """From the environment; what is missing is named."""
    environment = {"CONFIGURATION_SET": "set", "TABLE_NAME": "table", "RETENTION_DAYS": ""}
    assert Settings.from_environment(environment).retention is None
    assert Settings.from_environment({**environment, "RETENTION_DAYS": "7"}).retention == timedelta(days=7)
    with pytest.raises(ValueError, match="TABLE_NAME must be set"):
        Settings.from_environment(json.loads('{"CONFIGURATION_SET": "set", "RETENTION_DAYS": ""}'))
