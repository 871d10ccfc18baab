"""Sending: what policies are asked about it, and the id that SES gives a message.

Ministack takes a message from whoever may send at all, and answers with an id that no SES has. Here the identity and the
configuration set are the resources, the request's own sender, recipients and SES tenant are the condition keys, and what is named
must exist.

Source: Service authorization reference, "Amazon SES"; SES API v2 reference, "SendEmail".
"""

from __future__ import annotations

import email
import email.message
import email.utils
import json
import secrets
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from emulator.extension import upstream

SES = "services.ses_v2"
PATH = "/v2/email/outbound-emails"


def install() -> None:
    """Put the checks before ministack's own function, and SES's id into its answer."""
    upstream.replace("app", "_enforce_ses_v2", _with_conditions)
    upstream.replace(SES, "handle_request", _with_own_id)


def _with_conditions(original: Callable[..., Any]) -> Callable[..., Any]:
    """What is sent must be allowed for the identity, and for the configuration set where one is named; raw messages twice."""

    def enforce(method: str, path: str, *call: Any) -> Any:
        if method != "POST" or path != PATH:
            return original(method, path, *call)
        headers, body, query, request_id = call
        request = _request(body)
        own = f"arn:aws:ses:{upstream.region()}:{upstream.account()}"
        resources = [f"{own}:identity/{_sender(request).rpartition('@')[2]}"]
        if name := request.get("ConfigurationSetName"):
            resources.append(f"{own}:configuration-set/{name}")
        raw = "Raw" in (request.get("Content") or {})
        for action in ("ses:SendEmail", *(["ses:SendRawEmail"] if raw else [])):
            for resource in resources:
                refused = upstream.attribute("app", "_enforce_data_plane")(
                    "sesv2",
                    action,
                    headers,
                    query,
                    request_id,
                    resource_arn=resource,
                    named_resource=resource,
                    service_context=_keys(request, tenant=action == "ses:SendEmail"),
                )
                if refused:
                    return refused
        return None

    return enforce


def _keys(request: dict[str, Any], *, tenant: bool) -> dict[str, Any]:
    """The condition keys, in lower case, as ministack's evaluator looks for them."""
    keys = {"ses:apiversion": "2", "ses:fromaddress": _sender(request), "ses:recipients": _recipients(request)}
    return {**keys, "ses:tenantname": request["TenantName"]} if tenant and "TenantName" in request else keys


def _with_own_id(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if method != "POST" or path != PATH:
            return await original(method, path, headers, body, query)
        request = _request(body)
        known = (
            ("ConfigurationSetName", "_config_sets", "Configuration set <{}> does not exist."),
            ("TenantName", "_tenants", "Tenant <{}> does not exist."),
        )
        for field, table, text in known:
            if field in request and request[field] not in upstream.attribute(SES, table):
                return _refusal("NotFoundException", text.format(request[field]), 404)
        status, answered, answer = await original(method, path, headers, body, query)
        if status == 200:
            # As SES's are: a time, something random, and a counter.
            own = f"0107019{secrets.token_hex(4)}1-{secrets.token_hex(4)}-{secrets.token_hex(2)}-000000"
            answer = json.dumps({**json.loads(answer), "MessageId": own}).encode()
        return status, answered, answer

    return handle


def _refusal(code: str, text: str, status: int) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"__type": code, "message": text}).encode()


def _request(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _sender(request: dict[str, Any]) -> str:
    named = request.get("FromEmailAddress") or str(_header(request).get("From", ""))
    return email.utils.parseaddr(named)[1]


def _recipients(request: dict[str, Any]) -> list[str]:
    said = [one for boxes in (request.get("Destination") or {}).values() for one in boxes]
    header = _header(request)
    written = [value for name in ("To", "Cc", "Bcc") for value in header.get_all(name, [])]
    return [address for _name, address in email.utils.getaddresses(said or written)]


def _header(request: dict[str, Any]) -> email.message.Message:
    raw = ((request.get("Content") or {}).get("Raw") or {}).get("Data") or ""
    return email.message_from_bytes(b64decode(raw))
