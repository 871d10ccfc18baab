"""Keys of an issuer: fetched when they are needed, not when they are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from email_stack.settings import tokens as tokens_module
from email_stack.settings.local import AUDIENCE, LocalIssuer
from email_stack.settings.problems import ApiError
from email_stack.settings.tokens import Issuer, Keys, Tokens

URL = "https://issuer.example"


class Web:
    """An issuer's documents, the number of their fetches, and the time."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents = {f"{URL}{path}": document for path, document in documents.items()}
        self.fetched = 0
        self.seconds = 0.0

    def fetch(self, url: str) -> Any:
        """One document."""
        self.fetched += 1
        if url not in self.documents:
            raise OSError("nobody answers")
        return self.documents[url]


def tokens_of(web: Web) -> Tokens:
    """A judge that fetches there."""
    issuer = Issuer(url=URL, audience=AUDIENCE)
    return Tokens(issuer=issuer, keys=Keys(issuer, fetch=web.fetch, clock=lambda: web.seconds))


def ask(tokens: Tokens, token: str) -> str:
    """The organisation of a token."""
    return tokens.actor({"authorization": f"Bearer {token}"}).organization


def test_keys_are_fetched_once_for_many_tokens() -> None:
    """And again after five minutes, so that a key that was withdrawn is not taken for ever."""
    issuer = LocalIssuer(URL)
    web = Web(issuer.documents())
    tokens = tokens_of(web)
    assert [ask(tokens, issuer.token("acme")) for _ in range(3)] == ["acme"] * 3
    assert web.fetched == 2
    web.seconds += 300
    ask(tokens, issuer.token("acme"))
    assert web.fetched == 4


def test_unknown_keys_cause_no_traffic() -> None:
    """Tokens that nobody signed do not make it fetch each time; a new key is known half a minute later."""
    issuer, other = LocalIssuer(URL), LocalIssuer(URL)
    web = Web(issuer.documents())
    tokens = tokens_of(web)
    ask(tokens, issuer.token("acme"))
    for _ in range(20):
        with pytest.raises(ApiError) as caught:
            ask(tokens, other.token("acme"))
        assert caught.value.status is HTTPStatus.UNAUTHORIZED
    assert web.fetched == 2
    web.documents = Web(other.documents()).documents
    web.seconds += 30
    assert ask(tokens, other.token("acme")) == "acme"


def test_an_issuer_that_is_gone_is_503_until_its_keys_are_known() -> None:
    """Known keys outlive it."""
    issuer = LocalIssuer(URL)
    web = Web({})
    with pytest.raises(ApiError) as caught:
        ask(tokens_of(web), issuer.token("acme"))
    assert (caught.value.status, caught.value.headers) == (HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"})
    web.documents = Web(issuer.documents()).documents
    tokens = tokens_of(web)
    ask(tokens, issuer.token("acme"))
    web.documents, web.seconds, web.fetched = {}, 1000, 0
    assert [ask(tokens, issuer.token("acme")) for _ in range(5)] == ["acme"] * 5
    assert web.fetched == 1


def test_an_issuer_that_is_gone_is_not_asked_by_each_request() -> None:
    """For five seconds the answer is the same without asking; then it is asked again."""
    issuer = LocalIssuer(URL)
    web = Web({})
    tokens = tokens_of(web)
    for _ in range(5):
        with pytest.raises(ApiError):
            ask(tokens, issuer.token("acme"))
    assert web.fetched == 1
    web.documents = Web(issuer.documents()).documents
    web.seconds += 5
    assert ask(tokens, issuer.token("acme")) == "acme"


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://other.example", "jwks_uri": f"{URL}/keys"}, {"issuer": URL}, [], {"issuer": URL, "jwks_uri": "http://10.0.0.1/k"}],
)  # fmt: skip
def test_a_discovery_document_of_another_is_not_taken(document: Any) -> None:
    """It must name the issuer that was asked, and keys over https."""
    web = Web({"/.well-known/openid-configuration": document, "/keys": {"keys": []}})
    with pytest.raises(ApiError) as caught:
        ask(tokens_of(web), LocalIssuer(URL).token("acme"))
    assert caught.value.status is HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    "url", ["http://issuer.example", "ftp://issuer.example", "issuer.example", "", "http://127.0.0.1.example"]
)
def test_an_issuer_is_asked_over_https(url: str) -> None:
    """Or on loopback."""
    with pytest.raises(ValueError, match="must be an https URL"):
        Issuer(url=url, audience=AUDIENCE)
    assert Issuer(url="http://127.0.0.1:8383", audience=AUDIENCE).organization_claim == "org_id"


def test_the_claim_of_the_organization_is_named() -> None:
    """A number is one, too, as some issuers have it."""
    issuer = LocalIssuer(URL)
    web = Web(issuer.documents())
    named = Issuer(url=URL, audience=AUDIENCE, organization_claim="iat")
    tokens = Tokens(issuer=named, keys=Keys(named, fetch=web.fetch, clock=lambda: 0.0))
    assert ask(tokens, issuer.token("acme")).isdigit()


@contextmanager
def issuer_that(answers: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """URL of an issuer on loopback that answers each request so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def drip(request: BaseHTTPRequestHandler) -> None:
    """A byte each tenth of a second: no wait for a piece ever takes long."""
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(100):
            request.wfile.write(b" ")
            time.sleep(0.1)
    except OSError:
        pass


def flood(request: BaseHTTPRequestHandler) -> None:
    """More than any set of keys has."""
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(1000):
            request.wfile.write(b" " * 65_536)
    except OSError:
        pass


def redirect(request: BaseHTTPRequestHandler) -> None:
    """To another server."""
    request.send_response(302)
    request.send_header("Location", "http://127.0.0.1:1/keys")
    request.end_headers()


@pytest.mark.servers
@pytest.mark.parametrize("answers", [drip, flood, redirect], ids=["drip", "flood", "redirect"])
def test_an_issuer_cannot_hold_a_request(
    monkeypatch: pytest.MonkeyPatch, answers: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """However slowly, or however much it answers: the request ends in time, with 503."""
    monkeypatch.setattr(tokens_module, "_SECONDS", 0.5)
    with issuer_that(answers) as url:
        issuer = Issuer(url=url, audience=AUDIENCE)
        began = time.monotonic()
        with pytest.raises(ApiError) as caught:
            ask(Tokens(issuer=issuer, keys=Keys(issuer)), LocalIssuer(url).token("acme"))
        assert caught.value.status is HTTPStatus.SERVICE_UNAVAILABLE
        assert time.monotonic() - began < 4
