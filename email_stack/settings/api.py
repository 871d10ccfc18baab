"""The API over HTTP: authentication, and answers to errors. Events of an HTTP API (payload version 2.0) in, answers out."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError

from email_stack.settings.problems import ApiError, problem, refused
from email_stack.settings.routes import add_routes
from email_stack.settings.service import Service
from email_stack.settings.tokens import Tokens
from mailroom.errors import MailroomError, RetryableError
from mailroom.settings.refusals import RefusedError
from mailroom.settings.store import Actor

__all__ = ["Api", "resolver"]

_LOG: Final = logging.getLogger(__name__)
_JSON: Final = "application/json"
_MOST_BODY_BYTES: Final = 1536 * 1024
"""Room for three texts of 65,536 characters each, all in the form `\\u00e9`; each field has its own limit."""
_CORRELATION: Final = re.compile(r"[A-Za-z0-9_.:=-]{1,128}", re.ASCII)
_CORRELATION_HEADER: Final = "x-correlation-id"
_OPENAPI_PATH: Final = "/openapi.json"
_VALUE_ERROR: Final = "Value error, "


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """The API. Call it with an event.

    Args:
        service: the operations.
        tokens: authenticates requests.
        openapi: text of the OpenAPI document. Default: "", it is not served.
        entered: called with the actor before any of its data is read. Default: no call.
    """

    service: Service
    tokens: Tokens
    openapi: str = field(default="", repr=False)
    entered: Callable[[Actor], None] = field(default=lambda _: None, repr=False)
    _app: APIGatewayHttpResolver = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Create the routes."""
        object.__setattr__(self, "_app", resolver(self.service))

    def __call__(self, event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
        """The answer to one request, one at a time. An error is an answer, too."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        request = event["requestContext"]["http"]
        asked = headers.get(_CORRELATION_HEADER, "")
        correlation = asked if _CORRELATION.fullmatch(asked) else event["requestContext"].get("requestId", "")
        answer = self._answer(event, context, request["method"], request["path"], headers)
        answer.setdefault("headers", {})[_CORRELATION_HEADER] = correlation
        _LOG.info(
            "settings request",
            extra={"method": request["method"], "status": answer["statusCode"], "correlation": correlation},
        )
        return answer

    def _answer(
        self, event: Mapping[str, Any], context: Any, method: str, path: str, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        try:
            if method == "GET" and path == _OPENAPI_PATH and self.openapi:
                return _plain(Response(HTTPStatus.OK, _JSON, self.openapi))
            actor = self.tokens.actor(headers)
            self.entered(actor)
            store, limits = self.service.store, self.service.store.limits
            if method != "GET":
                store.spend(actor.organization, limits.checks if path.endswith(":verify") else limits.writes)
            self._app.context["actor"] = actor
            return dict(self._app.resolve(_checked(event), context))
        except ApiError as error:
            return _plain(problem(error))
        except RefusedError as error:
            return _plain(problem(refused(error)))
        except Exception as error:  # noqa: BLE001 - an answer without anything of the request, and a log without any
            return _plain(problem(_failed(error)))


def resolver(service: Service) -> APIGatewayHttpResolver:
    """The routes and their error handlers."""
    app = APIGatewayHttpResolver(enable_validation=True)
    handled: dict[type[Exception], Callable[[Any], ApiError]] = {
        ApiError: lambda error: error,
        RefusedError: refused,
        RequestUnsupportedContentType: lambda _: ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type: must be application/json; send JSON"
        ),
        RequestValidationError: _invalid,
        NotFoundError: lambda _: ApiError(
            HTTPStatus.NOT_FOUND, "path: must be one of the API's; read its OpenAPI document"
        ),
        Exception: _failed,
    }

    def answering(made: Callable[[Any], ApiError]) -> Callable[[Exception], Response[Any]]:
        return lambda error: problem(made(error))

    for kind, made in handled.items():
        app.exception_handler(kind)(answering(made))
    add_routes(app, service)
    return app


def _invalid(error: RequestValidationError) -> ApiError:
    """All faults of a request at once, without the values that were sent."""
    faults = [
        {"field": ".".join(map(str, one["loc"][1:])) or str(one["loc"][0]), "detail": _said(one)}
        for one in error.errors()
    ]
    text = "; ".join(f"{one['field']}: {one['detail']}" for one in faults)
    return ApiError(HTTPStatus.BAD_REQUEST, text, errors=faults)


def _said(fault: Mapping[str, Any]) -> str:
    if fault.get("type") == "json_invalid":
        return "must be valid JSON; correct it"
    text = str(fault.get("msg", "")).removeprefix(_VALUE_ERROR)
    return text[:300]


def _failed(error: Exception) -> ApiError:
    """A fault of the API itself. The log has the error's type only: its text may hold values that were sent."""
    if isinstance(error, RetryableError):
        _LOG.warning("settings: AWS failed", extra={"code": error.code, "action": error.action})
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "settings: try again", headers={"Retry-After": "2"})
    action = error.action if isinstance(error, MailroomError) else ""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    _LOG.error("settings: failed", extra={"kind": type(error).__name__, "action": action, "line": line})
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "settings: failed; tell the platform, with the correlation id")


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event, once its body is JSON text within the limit."""
    body = event.get("body") or ""
    kind = next((value for name, value in (event.get("headers") or {}).items() if name.lower() == "content-type"), "")
    if body and kind.partition(";")[0].strip().lower() not in {"", _JSON}:
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type: must be application/json; send JSON")
    if len(body) > _MOST_BODY_BYTES * (2 if event.get("isBase64Encoded") else 1):
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: must be at most {_MOST_BODY_BYTES:,} bytes; shorten it"
        )
    try:
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body
        if text:
            json.loads(text)
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        fault = {"field": "body", "detail": "must be valid JSON; correct it"}
        raise ApiError(HTTPStatus.BAD_REQUEST, f"body: {fault['detail']}", errors=[fault]) from None
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return {**event, "headers": headers | {"content-type": _JSON}, "body": text, "isBase64Encoded": False}


def _plain(response: Response[Any]) -> dict[str, Any]:
    """An answer to a request that did not reach the routes."""
    return {
        "statusCode": int(response.status_code),
        "headers": dict(response.headers),
        "body": response.body or "",
        "isBase64Encoded": False,
    }
