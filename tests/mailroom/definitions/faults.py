"""S3 that fails at one call, and ways to damage what is in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

__all__ = ["DAMAGES", "FaultyS3", "damage"]

DAMAGES: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "truncated": lambda body: body[: len(body) // 2],
    "changed": lambda body: body[:-2] + b"!" + body[-1:],
    "longer": lambda body: body + b"x",
    "noise": lambda _: bytes(range(256)) * 8,
}
"""What can become of an object, by its name."""


def damage(s3: Any, bucket: str, key: str, kind: str) -> None:
    """Damage one object."""
    body = DAMAGES[kind](s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    if body is None:
        s3.delete_object(Bucket=bucket, Key=key)
    else:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


class FaultyS3:
    """Has a client fail at its n-th call: before it is done, or after, when only the answer is lost.

    Args:
        client: a client of S3 that nobody else uses.
    """

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        self._at = -1
        self._lost = False
        self._failing = False
        self._lock = Lock()
        self._events = client.meta.events
        self._events.register("before-call.s3", self._before)
        self._events.register("after-call.s3", self._after)

    def fail_at(self, number: int, *, lost: bool = False) -> None:
        """Count from nought again, and fail at that call."""
        self.calls, self._at, self._lost = [], number, lost

    def work(self) -> None:
        """Fail no more, and leave the client."""
        self._events.unregister("before-call.s3", self._before)
        self._events.unregister("after-call.s3", self._after)

    def _before(self, model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        with self._lock:
            failing = len(self.calls) == self._at
            self.calls.append(model.name)
            self._failing = failing and self._lost
        if not failing or self._lost:
            return None
        status = HTTPStatus.FORBIDDEN
        error = {"Error": {"Code": "AccessDenied", "Message": "not this time"}}
        return AWSResponse("https://s3.example", status, HTTPHeaders(), None), error

    def _after(self, parsed: dict[str, Any], **_: Any) -> None:
        with self._lock:
            failing, self._failing = self._failing, False
        if failing:
            if "Body" in parsed:
                parsed["Body"].close()
            raise ReadTimeoutError(endpoint_url="https://s3.example")
