"""SES's permission to send: the sandbox, a paused account, a paused SES tenant.

Ministack has `ProductionAccessEnabled`, which PutAccountDetails sets here at once, and sends to all addresses all the same. This
module adds PutAccountSendingAttributes, UpdateReputationEntityCustomerManagedStatus for SES tenants, and SendEmail's refusals.

Source: SES API v2 reference, those operations, "GetAccount" and "SendEmail"; SES developer guide, "Request production access".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from emulator import sending
from emulator.extension import ses_reputation, ses_request, upstream
from emulator.extension.ses_request import Outgoing

V2 = "services.ses_v2"
ACCOUNT: Final = "/v2/email/account"
ENTITIES: Final = "/v2/email/reputation/entities/RESOURCE/"
STATUS: Final = "/customer-managed-status"
_paused: Any = None


def install() -> None:
    """Serve the operations, and check the state before SendEmail. A reset of ministack ends all pauses."""
    global _paused  # noqa: PLW0603 - ministack keeps its own by account and region, in a class of its own
    _paused = upstream.attribute("core.responses", "AccountRegionScopedDict")()
    upstream.replace(V2, "handle_request", _with_states)
    upstream.replace(V2, "reset", _with_forgetting)


def _with_states(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        whole = path.rstrip("/")
        if (method, whole) == ("PUT", f"{ACCOUNT}/sending"):
            _paused["account"] = not json.loads(body or b"{}").get("SendingEnabled", False)
            return upstream.attribute("core.responses", "json_response")({})
        if method == "PUT" and whole.startswith(ENTITIES) and whole.endswith(STATUS):
            arn = unquote(whole.removeprefix(ENTITIES).removesuffix(STATUS))
            return _set_status(arn, json.loads(body)["SendingStatus"])
        if (method, whole) == ("POST", ses_request.PATH) and (refused := _refusal(Outgoing.of(body))):
            return _error(*refused)
        answer = await original(method, path, headers, body, query)
        if (method, whole) == ("GET", ACCOUNT):
            status, its_headers, text = answer
            found = {**json.loads(text), "SendingEnabled": not _paused.get("account")}
            return status, its_headers, json.dumps(found).encode()
        return answer

    return handle


def _set_status(arn: str, status: str) -> Any:
    for record in upstream.attribute(V2, "_tenants").values():
        if record["TenantArn"] == arn:
            record["SendingStatus"] = status
            ses_reputation.tell_status(arn, status)
            return upstream.attribute("core.responses", "json_response")({})
    return _error("NotFoundException", f"Reputation entity {arn} does not exist.", 404)


def _refusal(outgoing: Outgoing) -> tuple[str, str, int] | None:
    if _paused.get("account"):
        return "SendingPausedException", "Email sending is disabled for your account.", 400
    tenant = upstream.attribute(V2, "_tenants").get(outgoing.tenant) or {}
    if tenant.get("SendingStatus") == "DISABLED":
        return "SendingPausedException", f"Email sending is disabled for tenant {outgoing.tenant}.", 400
    account = upstream.attribute(V2, "_account_details").get("account") or {}
    if account.get("ProductionAccessEnabled", True):
        return None
    known = {str(name).lower() for name in upstream.attribute(V2, "_identities")} | {sending.SIMULATOR}
    strangers = [one for one in outgoing.recipients if not {one.lower(), one.lower().rpartition("@")[2]} & known]
    if not strangers:
        return None
    where = f"The following identities failed the check in region {upstream.region().upper()}: {', '.join(strangers)}"
    return "MessageRejected", f"Email address is not verified. {where}", 400


def _error(code: str, message: str, status: int) -> Any:
    return upstream.attribute(V2, "_json_err")(code, message, status)


def _with_forgetting(original: Callable[[], None]) -> Callable[[], None]:
    def reset() -> None:
        original()
        _paused.clear()

    return reset
