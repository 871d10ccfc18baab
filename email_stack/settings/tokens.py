"""Authentication: bearer tokens of an OpenID issuer, and the organisation that they name."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import jwt

from email_stack.settings.problems import ApiError
from mailroom.settings.store import Actor

__all__ = ["Issuer", "Keys", "Tokens"]

_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Algorithms with a public key: with a shared-secret one, anyone who knows the public key could sign."""
_SECONDS: Final = 3.0
"""For each document of the issuer, from the connection to its last byte."""
_PIECE_BYTES: Final = 16 * 1024
_MOST_BYTES: Final = 256 * 1024
_FRESH_SECONDS: Final = 300.0
_ASKED_AGAIN_SECONDS: Final = 30.0
_TRIED_AGAIN_SECONDS: Final = 5.0
_LEEWAY_SECONDS: Final = 30
_MOST_CHARACTERS: Final = 16 * 1024
_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_USER_CHARACTERS: Final = 200
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADER: Final = "x-epilot-org-id"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """An accepted issuer, and its claims.

    Args:
        url: as in `iss`, https except on loopback; its discovery document names its keys.
        audience: as in `aud`.
        organization_claim: claim with the user's organisation. Default: "org_id".
        organizations_claim: claim with a list of organisations that the user may choose by header. Default: "org_ids".

    Raises:
        ValueError: the URL is neither https nor on loopback.
    """

    url: str
    audience: str
    organization_claim: str = "org_id"
    organizations_claim: str = "org_ids"

    def __post_init__(self) -> None:
        """Check the URL."""
        _check_url(self.url)


class Keys:
    """The issuer's public keys, fetched when they are needed.

    Args:
        issuer: their owner.
        fetch: gets a JSON document. Default: over HTTP.
        clock: seconds of a monotonic clock. Default: `time.monotonic`.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        fetch: Callable[[str], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch or _fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._failed = False
        self._lock = threading.Lock()

    def key(self, identifier: str) -> jwt.PyJWK | None:
        """The key of that id; None when the issuer has none. Raises ApiError when the issuer does not answer.

        Known keys stay valid while the issuer does not answer. Such an issuer is asked again after a pause only.
        """
        with self._lock:
            now = self._clock()
            fresh = self._fetched is not None and now - self._fetched < _FRESH_SECONDS
            pause = _ASKED_AGAIN_SECONDS if self._fetched is not None else _TRIED_AGAIN_SECONDS
            if not (fresh and identifier in self._keys) and (self._tried is None or now - self._tried >= pause):
                self._tried = now
                self._refresh()
            found = self._keys.get(identifier)
            if found is None and self._failed:
                raise ApiError(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "issuer: its keys cannot be fetched; try again",
                    headers={"Retry-After": f"{_TRIED_AGAIN_SECONDS:.0f}"},
                )
            return found

    def _refresh(self) -> None:
        try:
            keys = jwt.PyJWKSet.from_dict(self._fetch(self._address())).keys
        except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
            self._failed = True
            return
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._fetched = self._clock()
        self._failed = False

    def _address(self) -> str:
        """URL of the keys. Source: OpenID Connect Discovery 1.0, 4.3: the document must name the issuer that was asked for."""
        found = self._fetch(f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer.url:
            raise ValueError("discovery document is another issuer's")
        address = str(found["jwks_uri"])
        _check_url(address)
        return address


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Authenticates requests.

    Args:
        issuer: the accepted issuer.
        keys: its keys.
    """

    issuer: Issuer
    keys: Keys = field(repr=False)

    def actor(self, headers: Mapping[str, str]) -> Actor:
        """The user and organisation of a request.

        Args:
            headers: of the request, names in lower case.

        Raises:
            ApiError: 401 without a valid token, 403 when the token lacks an organisation or the requested one, 503 when the issuer
                does not answer.
        """
        claims = self._claims(headers.get("authorization", ""))
        allowed = _organizations(claims, self.issuer)
        wanted = headers.get(_HEADER) or allowed[0]
        if wanted not in allowed:
            raise ApiError(
                HTTPStatus.FORBIDDEN, f"{_HEADER}: must be an organisation that the token names; leave it out"
            )
        return Actor(organization=wanted, user=str(claims["sub"])[:_USER_CHARACTERS])

    def _claims(self, authorization: str) -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _MOST_CHARACTERS:
            raise _unauthorized("must be a bearer token; send Authorization: Bearer <token>")
        try:
            identifier = jwt.get_unverified_header(token).get("kid")
            key = self.keys.key(identifier) if isinstance(identifier, str) else None
            if key is None or key.algorithm_name not in _ALGORITHMS:
                raise _unauthorized("must be signed by a key of the issuer; get a new one")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self.issuer.audience,
                issuer=self.issuer.url,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise _unauthorized("has expired; get a new one") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            # The answer repeats no text of the token.
            raise _unauthorized("must be a valid one of the issuer, for this audience; get a new one") from None
        return claims


def _organizations(claims: Mapping[str, Any], issuer: Issuer) -> list[str]:
    """Organisations of the token, the user's own first."""
    own, others = claims.get(issuer.organization_claim), claims.get(issuer.organizations_claim)
    named = [own, *(others if isinstance(others, list) else [])]
    allowed = [str(one) for one in named if isinstance(one, str | int) and _ORGANIZATION.fullmatch(str(one))]
    if not allowed:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            f'token: must name an organisation in its claim "{issuer.organization_claim}"; have the issuer add it',
        )
    return allowed


def _unauthorized(text: str) -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, f"token: {text}", headers={"WWW-Authenticate": "Bearer"})


def _check_url(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise ValueError(f'issuer: must be an https URL, got "{url[:80]}"; write it as the tokens\' iss has it')


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: their target is not the issuer's."""

    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


def _fetch(url: str) -> Any:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urllib.parse.urlsplit(url).hostname in _LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    ends, content = time.monotonic() + _SECONDS, b""
    with urllib.request.build_opener(*handlers).open(url, timeout=_SECONDS) as response:
        # The time-out of a socket begins anew with each piece.
        while piece := response.read1(_PIECE_BYTES):
            content += piece
            if len(content) > _MOST_BYTES:
                raise ValueError("too long")
            if time.monotonic() > ends:
                raise TimeoutError
    return json.loads(content)
