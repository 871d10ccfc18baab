"""SES's events of sent messages on EventBridge. Ministack publishes none for API v2.

Serves `GET /_emulator/ses/sent` and, for an event of a message or one made elsewhere, `POST` and `PUT /_emulator/ses/events`; see
`Emulator.sent`, `report` and `publish`. Only destinations on EventBridge's default bus get events.

Source: SES developer guide, "Monitoring email sending using event publishing"; EventBridge events reference, "Amazon SES events".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from emulator import sending
from emulator.extension import endpoints, eventbridge, ses_reputation, ses_suppression, upstream

V2 = "services.ses_v2"
SENT_PATH, EVENTS_PATH = "/_emulator/ses/sent", "/_emulator/ses/events"
_sent: Any = None


def install() -> None:
    """Serve the paths. A reset of ministack forgets all sent messages."""
    global _sent  # noqa: PLW0603 - ministack keeps its own by account and region, in a class of its own
    _sent = upstream.attribute("core.responses", "AccountRegionScopedDict")()
    endpoints.serve("GET", SENT_PATH, _list)
    endpoints.serve("POST", EVENTS_PATH, _report)
    endpoints.serve("PUT", EVENTS_PATH, _publish)
    upstream.replace(V2, "reset", _with_messages)


def keep(sent: sending.Sent) -> None:
    """Remember a message."""
    _sent[sent.message_id] = sent


def follow(sent: sending.Sent) -> None:
    """Report that a message was sent, and its immediate events."""
    report(sent, "Send", sent.at, {})
    listed = ses_suppression.listed(sent)
    for outcome in sending.outcomes(sent.recipients, listed, ses_suppression.on_list(sent)):
        report(sent, outcome.kind, datetime.now(UTC), outcome.details)


def report(sent: sending.Sent, kind: str, at: datetime, details: Mapping[str, Any]) -> int:
    """Publish an event of a message; returns the number of destinations.

    Raises:
        ValueError: SES documents no such event.
    """
    detail = sending.documented_event(kind, sent, at=at, details=details)
    ses_suppression.note(sent, kind, detail, at)
    ses_reputation.note(sent, kind, detail)
    return 0 if kind in sent.untracked else publish(kind, detail, sent.configuration_set)


def publish(kind: str, detail: Mapping[str, Any], configuration_set: str | None) -> int:
    """Put an event on the default bus for each destination of the configuration set with its kind."""
    asking = [one for one in destinations(kind, configuration_set) if one.get("EventBridgeDestination")]
    arn = f"arn:aws:ses:{upstream.region()}:{upstream.account()}:configuration-set/{configuration_set}"
    for _destination in asking:
        eventbridge.put("aws.ses", sending.DETAIL_TYPES[kind], detail, [arn])
    return len(asking)


def destinations(kind: str, configuration_set: str | None) -> list[dict[str, Any]]:
    """The event destinations of the configuration set with this kind."""
    record = upstream.attribute(V2, "_config_sets").get(configuration_set) or {}
    return [
        destination
        for destination in (record.get("EventDestinations") or {}).values()
        if destination.get("Enabled") and sending.MATCHING_TYPES[kind] in destination["MatchingEventTypes"]
    ]


def _list(_query: dict[str, str], _content: bytes) -> endpoints.Answer:
    return 200, json.dumps([sending.to_json(sent) for sent in _sent.values()])


def _report(query: dict[str, str], content: bytes) -> endpoints.Answer:
    message_id, kind = query["message_id"], query["kind"]
    if message_id not in _sent:
        return 404, f"no message {message_id} was sent in {query['region']}"
    at = datetime.fromisoformat(query["at"]) if "at" in query else datetime.now(UTC)
    try:
        return 200, str(report(_sent[message_id], kind, at, json.loads(content)))
    except ValueError as error:
        return 400, str(error)


def _publish(query: dict[str, str], content: bytes) -> endpoints.Answer:
    kinds = {name: kind for kind, name in sending.DETAIL_TYPES.items()}
    detail_type = query["detail_type"]
    if detail_type not in kinds:
        return 400, f"SES has no event {detail_type}"
    detail = json.loads(content)
    (name,) = detail["mail"]["tags"].get("ses:configuration-set") or [None]
    return 200, str(publish(kinds[detail_type], detail, name))


def _with_messages(original: Callable[[], None]) -> Callable[[], None]:
    def reset() -> None:
        original()
        _sent.clear()

    return reset
