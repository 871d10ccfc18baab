"""The emulator's own paths, for requests that AWS does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from emulator.extension import upstream

Answer = tuple[int, str]


def serve(method: str, path: str, answer: Callable[[dict[str, str], bytes], Answer]) -> None:
    """Answer requests for a path. `region` of the query becomes the current region; a missing parameter is an error."""

    def wrapped(app: upstream.Asynchronous) -> upstream.Asynchronous:
        async def handle(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http" or (scope["method"], scope["path"]) != (method, path):
                await app(scope, receive, send)
                return
            content = b""
            more = True
            while more:
                part = await receive()
                content += part.get("body", b"")
                more = part.get("more_body", False)
            status, text = _answer(answer, dict(parse_qsl(scope["query_string"].decode())), content)
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": text.encode()})

        return handle

    upstream.replace("app", "app", wrapped)


def _answer(answer: Callable[[dict[str, str], bytes], Answer], query: dict[str, str], content: bytes) -> Answer:
    try:
        upstream.attribute("core.responses", "set_request_account_id")("")
        upstream.attribute("core.responses", "set_request_region")(query["region"])
        # Further calls of the request use TLS, as between AWS's services.
        upstream.attribute("core.iam_evaluator", "pin_request_origin")("127.0.0.1", True)
        return answer(query, content)
    except KeyError as error:
        return 400, f"parameter {error} is missing"
