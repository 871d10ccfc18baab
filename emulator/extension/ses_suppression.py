"""SES's suppression lists: one of the account, and one of each SES tenant with a list of its own.

Ministack has no list. The options of the configuration set choose the list and its reasons, else those of the SES tenant, else
those of the account, which lists both bounces and complaints. The mailbox simulator's addresses come onto none.

Source: SES developer guide, "Using the Amazon SES account-level suppression list", "Using tenant-level suppression lists" and
"Using the mailbox simulator"; SES API v2 reference, "SuppressionOptions" and "TenantSuppressionAttributes".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from emulator import sending
from emulator.extension import upstream
from emulator.extension.upstream import Response

V2 = "services.ses_v2"
PATH: Final = "/v2/email/suppression/addresses"
ACCOUNT: Final = ""
REASONS: Final = ("BOUNCE", "COMPLAINT")
SUBTYPES: Final = {"ACCOUNT": "OnAccountSuppressionList", "TENANT": "OnTenantSuppressionList"}
_lists: Any = None


def install() -> None:
    """Serve the API's paths. A reset of ministack deletes all lists, and the deletion of an SES tenant its own."""
    global _lists  # noqa: PLW0603 - ministack keeps its own by account and region, in a class of its own
    _lists = upstream.attribute("core.responses", "AccountRegionScopedDict")()
    upstream.replace(V2, "handle_request", _with_lists)
    upstream.replace(V2, "reset", _with_forgetting)


def listed(sent: sending.Sent) -> list[str]:
    """The recipients that SES does not send to."""
    reasons, found = _reasons(sent), _list(_owner(sent))
    return [one for one in sent.recipients if (found.get(one) or {}).get("Reason") in reasons]


def on_list(sent: sending.Sent) -> str:
    """The subtype of a bounce by the message's suppression list."""
    return SUBTYPES[_scope(sent)]


def note(sent: sending.Sent, kind: str, detail: dict[str, Any], at: datetime) -> None:
    """Put addresses with a permanent bounce or a complaint onto the message's suppression list."""
    told = detail[sending.OBJECTS[kind]]
    if kind == "Bounce" and (told["bounceType"], told["bounceSubType"]) == ("Permanent", "General"):
        reason, whom = "BOUNCE", told["bouncedRecipients"]
    elif kind == "Complaint" and told["complaintSubType"] is None:
        reason, whom = "COMPLAINT", told["complainedRecipients"]
    else:
        return
    addresses = [one["emailAddress"] for one in whom if not one["emailAddress"].endswith(f"@{sending.SIMULATOR}")]
    if reason in _reasons(sent):
        attributes = {"MessageId": sent.message_id, "FeedbackId": told["feedbackId"]}
        _put(_owner(sent), addresses, reason, at, attributes)


def _options(sent: sending.Sent) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of configuration set and SES tenant; empty without any."""
    own = upstream.attribute(V2, "_config_sets").get(sent.configuration_set) or {}
    tenant = upstream.attribute(V2, "_tenants").get(sent.tenant) or {}
    return own.get("SuppressionOptions") or {}, tenant.get("SuppressionAttributes") or {}


def _scope(sent: sending.Sent) -> str:
    named = next((one["SuppressionScope"] for one in _options(sent) if one.get("SuppressionScope")), "ACCOUNT")
    return str(named) if sent.tenant else "ACCOUNT"


def _reasons(sent: sending.Sent) -> tuple[str, ...]:
    return tuple(next((one["SuppressedReasons"] for one in _options(sent) if "SuppressedReasons" in one), REASONS))


def _owner(sent: sending.Sent) -> str:
    return str(sent.tenant) if _scope(sent) == "TENANT" else ACCOUNT


def _list(owner: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _lists.get(owner) or {}
    return found


def _put(owner: str, addresses: Iterable[str], reason: str, at: datetime, attributes: dict[str, str]) -> None:
    said = {"Reason": reason, "LastUpdateTime": at.timestamp(), "Attributes": attributes}
    own = {"TenantName": owner} if owner else {}
    _lists[owner] = {**_list(owner), **{one: {"EmailAddress": one, **said, **own} for one in addresses}}


# The API


def _with_lists(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        whole = path.rstrip("/")
        if whole != PATH and not whole.startswith(f"{PATH}/"):
            answer = await original(method, path, headers, body, query)
            if (method, whole) == ("POST", "/v2/email/tenants/delete") and answer[0] < 300:
                _lists.pop(json.loads(body)["TenantName"], None)
            return answer
        data = json.loads(body) if body else {}
        owner = data.get("TenantName") or _parameter(query, "TenantName")
        if owner and owner not in upstream.attribute(V2, "_tenants"):
            return _error("NotFoundException", f"The requested tenant <{owner}> does not exist.", 404)
        return _answer(method, unquote(whole.removeprefix(PATH).lstrip("/")), owner, data)

    return handle


def _answer(method: str, address: str, owner: str, data: dict[str, Any]) -> Response:
    found = _list(owner)
    if method == "PUT" and not address:
        if data.get("Reason") not in REASONS or not data.get("EmailAddress"):
            return _error("BadRequestException", f"Reason must be one of {', '.join(REASONS)}.", 400)
        _put(owner, [data["EmailAddress"]], data["Reason"], datetime.now().astimezone(), {})
        return _json({})
    if method == "GET" and not address:
        left_out = {"Attributes"}
        summaries = [{key: said for key, said in one.items() if key not in left_out} for one in found.values()]
        return _json({"SuppressedDestinationSummaries": summaries})
    # Addresses are compared with their case.
    if address not in found:
        text = f"Email address {address} does not exist on your suppression list."
        return _error("NotFoundException", text, 404)
    if method == "GET":
        return _json({"SuppressedDestination": found[address]})
    _lists[owner] = {one: said for one, said in found.items() if one != address}
    return _json({})


def _parameter(query: dict[str, Any], name: str) -> str:
    found = query.get(name) or ""
    return str(found[0] if isinstance(found, list) else found)


def _json(data: dict[str, Any]) -> Response:
    response: Response = upstream.attribute("core.responses", "json_response")(data)
    return response


def _error(code: str, message: str, status: int) -> Response:
    response: Response = upstream.attribute(V2, "_json_err")(code, message, status)
    return response


def _with_forgetting(original: Callable[[], None]) -> Callable[[], None]:
    def reset() -> None:
        original()
        _lists.clear()

    return reset
