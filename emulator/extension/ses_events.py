"""SES telling of mail that was sent: to the event destinations of a configuration set, on EventBridge's default bus.

Ministack publishes no event of SES's, and lets nobody else publish one, as AWS does.

Source: SES developer guide, "Monitoring email sending using event publishing".
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from emulator.extension import upstream

PATH = "/_emulator/ses/events"


def install() -> None:
    """Serve `PUT /_emulator/ses/events`, with which `Emulator.publish` has SES tell of something."""
    upstream.replace("app", "app", _with_events)


def _with_events(app: upstream.Asynchronous) -> upstream.Asynchronous:
    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await app(scope, receive, send)
            return
        content = b""
        more = True
        while more:
            part = await receive()
            content += part.get("body", b"")
            more = part.get("more_body", False)
        region = dict(parse_qsl(scope["query_string"].decode()))["region"]
        upstream.attribute("core.responses", "set_request_account_id")("")
        upstream.attribute("core.responses", "set_request_region")(region)
        upstream.attribute("core.iam_evaluator", "pin_request_origin")("127.0.0.1", True)
        told = _publish(json.loads(content))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": str(told).encode()})

    return serve


def _publish(entry: dict[str, Any]) -> int:
    """Tell each destination that wants to know; returns how many do."""
    detail = json.loads(entry["Detail"])
    (name,) = detail["mail"]["tags"]["ses:configuration-set"]
    wanted = detail["eventType"].upper().replace(" ", "_").replace("DELIVERYDELAY", "DELIVERY_DELAY")
    known = upstream.attribute("services.ses_v2", "_config_sets").get(name) or {}
    destinations = [
        one
        for one in (known.get("EventDestinations") or {}).values()
        if one.get("Enabled") and "EventBridgeDestination" in one and wanted in one.get("MatchingEventTypes", ())
    ]
    for _ in destinations:
        upstream.attribute("services.eventbridge", "_put_events")({"Entries": [entry]}, allow_aws_source=True)
    return len(destinations)
