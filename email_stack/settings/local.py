"""The API on loopback, with its own issuer that gives a token to each request: for trials and tests."""

from __future__ import annotations

import json
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from email_stack.settings.api import Api
from email_stack.settings.openapi import published
from email_stack.settings.problems import ApiError, problem
from email_stack.settings.service import Service
from email_stack.settings.tokens import Issuer, Keys, Tokens

__all__ = ["AUDIENCE", "LocalIssuer", "LocalServer", "event_of"]

AUDIENCE: Final = "email-settings"
TOKEN_PATH: Final = "/local/token"  # noqa: S105 - a path
_HOST: Final = "127.0.0.1"
_SECONDS: Final = 3600
_MOST_BODY_BYTES: Final = 2 * 1024 * 1024


class LocalIssuer:
    """Signs tokens with a key that lives as long as this object.

    Args:
        url: as `iss` has it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_hex(8)

    def token(
        self, organization: str, user: str = "local-user", *, others: tuple[str, ...] = (), seconds: int = _SECONDS
    ) -> str:
        """A token for a user of an organisation; the user may choose `others` instead."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": user,
            "iat": now,
            "exp": now + seconds,
            "org_id": organization,
        }
        if others:
            claims["org_ids"] = list(others)
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._id})

    def documents(self) -> dict[str, Any]:
        """Published documents of the issuer, by path. Source: OpenID Connect Discovery 1.0, 4."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks.json"},
            "/.well-known/jwks.json": {"keys": [{**public, "kid": self._id, "use": "sig", "alg": "ES256"}]},
        }


class LocalServer:
    """Serves the API on a port of 127.0.0.1 for as long as the `with` block lasts.

    Args:
        service: the API's operations.
        port: default 0, a free one.
    """

    def __init__(self, service: Service, port: int = 0) -> None:
        self._server = ThreadingHTTPServer((_HOST, port), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://{_HOST}:{self._server.server_address[1]}"
        self.issuer = LocalIssuer(self.url)
        self.service = service
        issuer = Issuer(url=self.url, audience=AUDIENCE)
        api = Api(service=service, tokens=Tokens(issuer=issuer, keys=Keys(issuer)), openapi=published())
        turn = threading.Lock()

        def one_at_a_time(event: Mapping[str, Any]) -> dict[str, Any]:
            # As in a Lambda function: the resolver keeps the request that it answers.
            with turn:
                return api(event)

        # Each request has a `_Handler` of its own, which finds these on its server.
        self._server.answer = one_at_a_time  # type: ignore[attr-defined]
        self._server.issuer = self.issuer  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until the process is interrupted."""
        self._thread.join()


def event_of(method: str, target: str, headers: Mapping[str, str], body: str) -> dict[str, Any]:
    """The event that an HTTP API makes of a request. Source: API Gateway developer guide, "Payload format version 2.0"."""
    path, _, query = target.partition("?")
    parameters: dict[str, list[str]] = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "queryStringParameters": {name: ",".join(values) for name, values in parameters.items()},
        "requestContext": {
            "stage": "$default",
            "requestId": secrets.token_hex(8),
            "http": {"method": method, "path": path},
        },
        "body": body,
        "isBase64Encoded": False,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Handlers of all HTTP methods, as the `$default` route of an HTTP API takes all of them."""
        if name.startswith("do_"):
            return self._one
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: paths and queries hold addresses."""

    def _one(self) -> None:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        body = self._body()
        if body is None:
            text = f"body: must have a Content-Length of at most {_MOST_BODY_BYTES:,} bytes; send it"
            self._refuse(HTTPStatus.LENGTH_REQUIRED, text)
        elif host not in {_HOST, "localhost"}:
            # A foreign page whose host name resolves to loopback would get a token.
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, f"host: must be {_HOST} or localhost; ask one of these")
        elif self.path.partition("?")[0] == TOKEN_PATH:
            self._token()
        elif self.command == "GET" and (document := self._issuer.documents().get(self.path)) is not None:
            self._send(HTTPStatus.OK, {"Content-Type": "application/json"}, json.dumps(document))
        else:
            answer = self.server.answer(event_of(self.command, self.path, dict(self.headers.items()), body))  # type: ignore[attr-defined]
            headers = {**answer.get("headers", {})}
            for name, values in (answer.get("multiValueHeaders") or {}).items():
                headers[name] = ", ".join(values)
            self._send(answer["statusCode"], headers, answer.get("body") or "")

    @property
    def _issuer(self) -> LocalIssuer:
        issuer: LocalIssuer = self.server.issuer  # type: ignore[attr-defined]
        return issuer

    def _token(self) -> None:
        asked = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
        token = self._issuer.token(asked.get("organization", "acme"), asked.get("user", "local-user"))
        self._send(HTTPStatus.OK, {"Content-Type": "text/plain", "Cache-Control": "no-store"}, token)

    def _body(self) -> str | None:
        """The body; None without a Content-Length, or when it is too long."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > _MOST_BODY_BYTES:
            self.close_connection = True
            return None
        return self.rfile.read(int(length)).decode("utf-8", "replace")

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        answer = problem(ApiError(status, text))
        headers = {name: str(value) for name, value in answer.headers.items()}
        self._send(status, headers, str(answer.body))

    def _send(self, status: int, headers: Mapping[str, str], body: str) -> None:
        content = body.encode()
        self.send_response(int(status))
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status != HTTPStatus.NO_CONTENT:
            self.wfile.write(content)
