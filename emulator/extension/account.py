"""Limits of an account: Service Quotas, the limits of Lambda and Route 53, and SES's switch for sending.

Ministack has no Service Quotas. Each of its accounts has production access, and no limits.

Source: Service Quotas API reference, "GetServiceQuota"; Route 53 API reference, "GetAccountLimit"; Lambda API reference,
"GetAccountSettings"; SES API v2 reference, "PutAccountSendingAttributes".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from emulator.extension import endpoints, upstream
from emulator.extension.upstream import Response

PATH: Final = "/_emulator/account/quotas"
SERVICE: Final = "servicequotas"
TARGET: Final = "ServiceQuotasV20190624"
GLOBAL_REGION: Final = "us-east-1"
GLOBAL: Final = frozenset({"iam", "route53", "s3"})
DEFAULTS: Final[dict[tuple[str, str], float]] = {
    ("cloudformation", "L-0485CB21"): 2000,
    ("apigateway", "L-8A5B8E43"): 10_000,
    ("apigateway", "L-A93447B8"): 120,
    ("dynamodb", "L-F98FE922"): 2500,
    ("events", "L-244521F2"): 300,
    ("iam", "L-FE177D64"): 1000,
    ("kms", "L-C2F1777E"): 100_000,
    ("lambda", "L-2ACBD22F"): 75,
    ("lambda", "L-B99A9384"): 1000,
    ("route53", "L-4EA4796A"): 500,
    ("s3", "L-DC2B2D3D"): 10_000,
    ("ses", "L-10E24536"): 10_000,
    ("ses", "L-E7F21B4C"): 10_000,
    ("sns", "L-1A43D3DB"): 5000,
    ("sns", "L-61103206"): 100_000,
    ("states", "L-B66B0F91"): 100_000,
}
GIBIBYTE: Final = 1024**3

_applied: dict[tuple[str, str, str], float] = {}
"""Quotas set by tests, by region, service and code."""
_stopped: set[str] = set()
"""Regions in which sending by SES is paused."""


def install() -> None:
    """Add the service, and the limits in answers of other services."""
    upstream.attribute("app", "SERVICE_HANDLERS")[SERVICE] = _handle
    upstream.attribute("core.router", "SERVICE_PATTERNS")[SERVICE] = {"target_prefixes": [TARGET]}
    upstream.attribute("core.iam_actions", "SERVICE_TO_IAM_NAMESPACE")[SERVICE] = SERVICE
    upstream.replace("core.iam_actions", "_lambda_action", _with_settings)
    upstream.replace("services.lambda_svc", "_get_account_settings", _with_limits)
    upstream.replace("services.route53", "handle_request", _with_account_limit)
    upstream.replace("services.ses_v2", "handle_request", _with_sending)
    endpoints.serve("PUT", PATH, _set)


def _set(query: dict[str, str], content: bytes) -> tuple[int, str]:
    service, code, region = query["service"], query["code"], query["region"]
    if (service, code) not in DEFAULTS:
        return 400, f"no quota {code} of {service} is known"
    _applied[region, service, code] = float(content)
    return 200, ""


def _value(service: str, code: str, region: str) -> float:
    return _applied.get((region, service, code), DEFAULTS[service, code])


async def _handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]) -> Response:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    asked = json.loads(body or b"{}")
    service, code = str(asked.get("ServiceCode")), str(asked.get("QuotaCode"))
    region = upstream.region()
    if operation not in {"GetServiceQuota", "GetAWSDefaultServiceQuota"}:
        return _json(400, {"__type": "InvalidAction", "message": f"{operation} is not emulated"})
    known = (service, code) in DEFAULTS and (service not in GLOBAL or region == GLOBAL_REGION)
    # As on AWS for quotas without a value of the account: another operation returns their default.
    if not known or (operation == "GetServiceQuota" and service == "ses" and (region, service, code) not in _applied):
        text = "The request failed because the specified quota does not exist."
        return _json(400, {"__type": "NoSuchResourceException", "message": text})
    applied = operation == "GetServiceQuota"
    value = _value(service, code, region) if applied else DEFAULTS[service, code]
    quota = {"ServiceCode": service, "QuotaCode": code, "Value": value, "Unit": "None", "Adjustable": True}
    return _json(200, {"Quota": quota})


def _with_settings(original: Callable[[str, str], str | None]) -> Callable[[str, str], str | None]:
    """The action of that path. Ministack has none, and allows all callers."""

    def action(method: str, path: str) -> str | None:
        asked = (method, path.rstrip("/")) == ("GET", "/2016-08-19/account-settings")
        return "GetAccountSettings" if asked else original(method, path)

    return action


def _with_limits(original: Callable[[], Response]) -> Callable[[], Response]:
    def settings() -> Response:
        status, headers, body = original()
        answer = json.loads(body)
        region = upstream.region()
        limits = answer["AccountLimit"]
        limits["TotalCodeSize"] = int(_value("lambda", "L-2ACBD22F", region) * GIBIBYTE)
        limits["ConcurrentExecutions"] = int(_value("lambda", "L-B99A9384", region))
        limits["UnreservedConcurrentExecutions"] = limits["ConcurrentExecutions"]
        return status, headers, json.dumps(answer).encode()

    return settings


def _with_account_limit(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        if (method, path.rpartition("/accountlimit/")[2]) != ("GET", "MAX_HOSTED_ZONES_BY_OWNER"):
            return await original(method, path, headers, body, query)
        limit = int(_value("route53", "L-4EA4796A", GLOBAL_REGION))
        count = len(list(upstream.attribute("services.route53", "_zones").keys()))
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<GetAccountLimitResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
            f"<Limit><Type>MAX_HOSTED_ZONES_BY_OWNER</Type><Value>{limit}</Value></Limit><Count>{count}</Count>"
            "</GetAccountLimitResponse>"
        )
        return 200, {"Content-Type": "text/xml"}, text.encode()

    return handle


def _with_sending(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        request = (method, path.rstrip("/"))
        if request == ("PUT", "/v2/email/account/sending"):
            change = _stopped.discard if json.loads(body or b"{}").get("SendingEnabled") else _stopped.add
            change(upstream.region())
            return _json(200, {})
        answer = await original(method, path, headers, body, query)
        if request != ("GET", "/v2/email/account") or upstream.region() not in _stopped:
            return answer
        status, own, content = answer
        return status, own, json.dumps({**json.loads(content), "SendingEnabled": False}).encode()

    return handle


def _json(status: int, content: dict[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()
