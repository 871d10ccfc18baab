"""Errors of the API as problem details, which are also the clients' ErrorResponse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from mailroom.settings.refusals import Reason, RefusedError

__all__ = ["CONTENT_TYPE", "STATUS_OF", "ApiError", "problem", "refused"]

CONTENT_TYPE: Final = "application/problem+json"
STATUS_OF: Final[Mapping[Reason, HTTPStatus]] = {
    Reason.INVALID: HTTPStatus.BAD_REQUEST,
    Reason.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Reason.MISSING: HTTPStatus.NOT_FOUND,
    Reason.CONFLICT: HTTPStatus.CONFLICT,
    Reason.CHANGED: HTTPStatus.PRECONDITION_FAILED,
    Reason.TOO_MANY: HTTPStatus.CONFLICT,
    Reason.TOO_FAST: HTTPStatus.TOO_MANY_REQUESTS,
}


class ApiError(Exception):
    """A request whose answer is a problem.

    Args:
        status: HTTP status.
        detail: the fault and its remedy.
        errors: faults of the request: `field` and `detail`. Default: none.
        headers: of the answer. Default: none.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def problem(error: ApiError) -> Response[Any]:
    """The answer to an error. Source: RFC 9457; `error` beside `status` makes it the clients' ErrorResponse."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.status.phrase,
        "status": error.status.value,
        "detail": str(error),
        "error": str(error),
    }
    if error.errors:
        body["errors"] = [dict(one) for one in error.errors]
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store", **error.headers}
    return Response(error.status.value, CONTENT_TYPE, json.dumps(body), headers)


def refused(error: RefusedError) -> ApiError:
    """The API's error for a refusal."""
    headers = {"Retry-After": str(error.retry_after_seconds)} if error.retry_after_seconds else {}
    return ApiError(STATUS_OF[error.reason], str(error), headers=headers)
