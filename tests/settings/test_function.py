"""The entry of Lambda, as its environment sets it up."""

from __future__ import annotations

import json

import pytest

from email_stack.settings import function
from email_stack.settings.local import AUDIENCE, LocalServer, event_of
from mailroom.settings.store import Actor
from mailroom.settings.table import make_table
from tests.emulators import shared_emulator

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("sessions", [False, True])
def test_one_request(
    server: LocalServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, sessions: bool
) -> None:
    """An event of an HTTP API in, an answer out; the second finds what the first one made. In a session where there is a role."""
    emulator, table = shared_emulator(request), f"function-{sessions}"
    make_table(emulator.client("dynamodb", "eu-central-1"), table)
    if sessions:
        iam = emulator.client("iam", "eu-central-1")
        role = iam.create_role(RoleName="settings-sessions", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        monkeypatch.setenv("SETTINGS_ROLE_ARN", role)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.endpoint_url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "SETTINGS_TABLE": table,
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


def test_nothing_is_read_before_somebody_asks() -> None:
    """A client of sessions is nobody's at first, and then of whoever asks, with the organisation as its tag."""
    taken: list[str] = []

    class Taking:
        def dynamodb(self, organization: str) -> str:
            taken.append(organization)
            return organization

    client = function._PerOrganization(Taking())  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="no organisation has entered"):
        client.upper()
    for organization in ("acme", "globex"):
        client.enter(Actor(organization=organization, user="u"))
        assert client.upper() == organization.upper()
    assert taken == ["acme", "globex"]
