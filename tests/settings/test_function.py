"""The entry of Lambda, as its environment sets it up."""

from __future__ import annotations

import json

import pytest

from email_stack.settings import function
from email_stack.settings.local import AUDIENCE, LocalServer, event_of
from mailroom.settings.table import make_table
from tests.emulators import shared_emulator

pytestmark = pytest.mark.servers


def test_one_request(server: LocalServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of an HTTP API in, an answer out; the second event finds what the first one made."""
    emulator = shared_emulator(request)
    make_table(emulator.client("dynamodb", "eu-central-1"), "function")
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.endpoint_url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SETTINGS_TABLE": "function",
        "SETTINGS_ISSUER": server.url,
        "SETTINGS_AUDIENCE": AUDIENCE,
    }.items():
        monkeypatch.setenv(name, value)
    headers = {"Authorization": f"Bearer {server.issuer.token('acme')}", "Content-Type": "application/json"}
    body = json.dumps({"domain": "mail.example.com"})
    function._api.cache_clear()
    added = function.handler(event_of("POST", "/v1/email-settings/domain", headers, body), None)
    listed = function.handler(event_of("GET", "/v1/email-settings/domain", headers, ""), None)
    function._api.cache_clear()
    assert (added["statusCode"], json.loads(added["body"])["status"]) == (200, "claimed")
    assert json.loads(listed["body"]) == ["mail.example.com"]
