"""Every operation by the clients that customers have, as npm delivers them; each answer is one of their own definition."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from email_stack.settings.local import LocalServer
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.nameservers import Internet
from tests.settings.conftest import new_client

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SOURCE = Path(__file__).with_name("sdk")
SMALL, SDK = "email-settings-client", "sdk"
ZONE = "clients.example"
NOBODY = "00000000-0000-4000-8000-000000000000"


class Sdk:
    """Both clients in one process of Node, and what the bigger one's definition says of answers."""

    def __init__(self, folder: Path, server: LocalServer) -> None:
        self.server = server
        self.definition: dict[str, Any] = json.loads(
            (folder / "node_modules/@epilot/sdk/definitions/email-settings.json").read_text(encoding="utf-8")
        )
        self.operations = {
            operation["operationId"]: operation
            for path in self.definition["paths"].values()
            for operation in path.values()
            if isinstance(operation, dict) and "operationId" in operation
        }
        self._process = subprocess.Popen(
            ["node", str(SOURCE / "ask.mjs"), server.url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def ask(  # noqa: PLR0917 - as the clients have them: parameters, then a body
        self, client: str, token: str, operation: str, body: Any = None, parameters: Any = None, status: int = 200
    ) -> Any:
        """The data of an answer with that status, which is one of the definition."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        headers = {"Authorization": f"Bearer {token}"}
        request = {"client": client, "operation": operation, "parameters": parameters, "body": body, "headers": headers}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["status"] == status, answer
        self._check(operation, status, answer["data"])
        return answer["data"]

    def _check(self, operation: str, status: int, data: Any) -> None:
        answers = self.operations[operation]["responses"]
        if status >= 400:
            schema: dict[str, Any] = {"$ref": "#/components/schemas/ErrorResponse"}
        else:
            answer = answers[str(status)]
            if "$ref" in answer:
                answer = self.definition["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            if "content" not in answer:
                assert data == ""
                return
            schema = answer["content"]["application/json"]["schema"]
        jsonschema.validate(data, {**schema, "components": self.definition["components"]})


@pytest.fixture(scope="module")
def sdk(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    """The clients of the lock file, installed."""
    folder = tmp_path_factory.mktemp("sdk")
    for name in (".npmrc", "package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, folder / name)
    # Not `npm ci`: it fails for an optional dependency of the client that no registry has, and so is in no lock.
    command = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, "PWD": str(folder)})
    made = Sdk(folder, server)
    yield made
    made.close()


@pytest.fixture
def zone(internet: Internet) -> Iterator[str]:
    """A customer's zone."""
    internet.serve(ZONE, "", internet.customer)
    yield ZONE
    internet.remove(ZONE)


def publish(internet: Internet, setting: dict[str, Any]) -> None:
    """Set the record that a domain's setting names."""
    [record] = setting["records"]
    internet.serve(ZONE, f'{internet.text(ZONE)}\n{record["name"]}. TXT "{record["value"]}"', internet.customer)
    internet.flush()


@pytest.mark.parametrize("client", [SMALL, SDK])
def test_the_first_version_by_both_clients(sdk: Sdk, internet: Internet, zone: str, client: str) -> None:
    """All 8 operations of the small client, in the order of a domain's life, and what they refuse."""
    token = new_client(sdk.server).token
    domain = {"domain": f"{client}.{zone}"}
    added = sdk.ask(client, token, "addDomain", domain)
    assert added["status"] == "claimed"
    early = sdk.ask(client, token, "verifyNameServers", domain)
    assert early["ownership"]["status"] == "claimed"
    (listed,) = sdk.ask(client, token, "getSettings", None, {"type": "email_domain"})
    assert listed["id"] == added["id"]
    other = new_client(sdk.server).token
    again = sdk.ask(client, other, "addDomain", domain)
    publish(internet, again)
    assert sdk.ask(client, other, "verifyDomain", domain)["status"] == "proven"
    signature = sdk.ask(
        client, token, "addSetting", {"type": "signature", "name": "A", "value": "B", "html": "<b>B</b>"}
    )
    changed = sdk.ask(client, token, "updateSetting", {"type": "signature", "name": "C"}, {"id": signature["id"]})
    assert (changed["name"], changed["value"]) == ("C", "B")
    named = {"type": "signature", "id": signature["id"]}
    assert sdk.ask(client, token, "getSettings", None, named)["name"] == "C"
    assert sdk.ask(client, token, "deleteSetting", named)["id"] == signature["id"]
    for operation, body, parameters in (
        ("deleteSetting", named, None),
        ("getSettings", None, named),
        ("updateSetting", {"type": "signature"}, {"id": NOBODY}),
        ("verifyDomain", {"domain": f"nobody.{zone}"}, None),
    ):
        sdk.ask(client, token, operation, body, parameters, status=404)
    sdk.ask(client, token, "addDomain", {"domain": "not a domain"}, status=400)
    sdk.ask(client, "none", "addDomain", domain, status=401)
    sdk.ask(client, new_client(sdk.server).token, "addDomain", domain, status=409)
    for who in (token, other):
        sdk.ask(client, who, "deleteDomain", domain, status=204)
        sdk.ask(client, who, "deleteDomain", domain, status=404)
    assert sdk.ask(client, token, "getSettings", None, {"type": "email_domain"}) == []


def test_domains_and_addresses_of_the_second_version(sdk: Sdk, internet: Internet, zone: str) -> None:
    """The operations that only the bigger client has."""
    token = new_client(sdk.server).token
    domain = f"second.{zone}"
    publish(internet, sdk.ask(SDK, token, "addDomain", {"domain": domain}))
    assert sdk.ask(SDK, token, "getDomains") == [domain]
    assert sdk.ask(SDK, token, "verifyDnsRecords", {"domain": domain})["status"] == "proven"
    added = sdk.ask(SDK, token, "addEmailAddress", {"address": f"sales@{domain}", "name": "Sales"}, status=201)
    named = {"id": added["id"]}
    assert sdk.ask(SDK, token, "listEmailAddresses") == [added]
    assert sdk.ask(SDK, token, "getEmailAddress", None, named) == added
    assert sdk.ask(SDK, token, "updateEmailAddress", {"name": "Team"}, named)["name"] == "Team"
    assert sdk.ask(SDK, token, "setEmailAddressPrimary", {"address": f"sales@{domain}"})["is_primary"]
    sdk.ask(SDK, token, "updateEmailAddress", {"is_active": False}, named, status=409)
    sdk.ask(SDK, token, "addEmailAddress", {"address": "a@elsewhere.example"}, status=409)
    sdk.ask(SDK, token, "provisionEpilotEmailAddress", {"address": "a@platform.example.com"}, status=403)
    sdk.ask(SDK, token, "deleteEmailAddress", None, named, status=204)
    sdk.ask(SDK, token, "getEmailAddress", None, named, status=404)


def test_each_operation_of_ours_is_asked_by_a_client(sdk: Sdk) -> None:
    """The published document names no other operation on domains, settings and addresses than the clients' definition."""
    ours = json.loads((PROJECT_ROOT / "email_stack/settings/openapi.json").read_text(encoding="utf-8"))["paths"]
    theirs = named_operations(sdk.definition["paths"])
    kept = {one for one in theirs if not any(part in one[1] for part in ("/outlook", "/smtp", "/channels", "inbox"))}
    assert named_operations(ours) == kept


def named_operations(paths: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Method, path and id of each operation."""
    return {
        (method, path, operation["operationId"])
        for path, operations in paths.items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "operationId" in operation
    }
