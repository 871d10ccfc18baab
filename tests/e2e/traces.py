"""Traces of an event of sent mail at all places on its way."""

from __future__ import annotations

from tests.e2e.conftest import Platform
from tests.e2e.senders import Tenant

__all__ = ["keys_of_events", "logged", "waiting"]


def waiting(platform: Platform) -> list[str]:
    """Messages in the tracking function's queues, dead letters too."""
    sqs = platform.client("sqs")
    queues = [url for url in sqs.list_queues()["QueueUrls"] if "Noting" in url]
    assert len(queues) == 2  # the cell's, however many tenants there are
    return [
        message["Body"]
        for url in queues
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def logged(platform: Platform) -> list[str]:
    """Log lines of all functions."""
    logs = platform.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    return [
        event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group).get("events", [])
    ]


def keys_of_events(platform: Platform, tenant: Tenant, ses_id: str) -> list[str]:
    """Sort keys of a sent message's events in a tenant's table."""
    items = platform.client("dynamodb").scan(TableName=tenant.made["MessagesTableName"])["Items"]
    return [item["sk"]["S"] for item in items if item["pk"]["S"] == f"SENT#{ses_id}"]
