"""The stack of a settings API as CloudFormation makes it, and its functions with the rights of their own roles, IAM enforced.

There is no docker here: a function of an image runs as a process, with the environment and a session of the role that its stack
gave it. What one function asks of another comes to an endpoint of this file, which is Lambda's for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from constructs_lib.naming import tenant_stack_name
from email_stack.config import load
from email_stack.config.platform import platform_of
from email_stack.settings.local import AUDIENCE, LocalIssuer, event_of
from mailroom.settings.claims import Status
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.operating import Operating
from mailroom.settings.store import Actor, SettingsStore
from mailroom.store import MessageReader, Objects, Table
from tests.e2e.conftest import REGION, Platform

pytestmark = pytest.mark.thorough

CELL = {
    "region": REGION,
    "quotas": {"concurrent_executions": 13},
    "control": {"issuer": "https://login.acme.example", "audience": "mail"},
}
DOMAIN = "mail.acme.example"
ANNA = Actor(organization="acme", user="anna")
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
RUN = """\
import importlib, json, logging, sys, time
logging.basicConfig(stream=sys.stderr, level=logging.INFO)
class Whole(logging.Formatter):
    def format(self, record):
        more = {name: record.__dict__[name] for name in ("kind", "action", "line", "code") if name in record.__dict__}
        return f"{record.levelname}:{super().format(record)} {more or ''}"
logging.getLogger().handlers[0].setFormatter(Whole())
ends = time.monotonic() + 500
class Context:
    aws_request_id = "one"
    def get_remaining_time_in_millis(self): return int(1000 * (ends - time.monotonic()))
module, _, name = sys.argv[1].rpartition(".")
said = getattr(importlib.import_module(module), name)(json.loads(sys.argv[2]), Context())
print("\\n" + json.dumps(said))
"""


@dataclass
class Functions:
    """Lambda, for functions of images."""

    platform: Platform
    platform_config: Path
    url: str = ""
    failures: list[str] = field(default_factory=list)
    log: str = ""

    def named(self, handler: str) -> str:
        """The function that runs it."""
        pages = self.platform.client("lambda").get_paginator("list_functions").paginate()
        found = [one for page in pages for one in page["Functions"]]
        return next(
            str(one["FunctionName"])
            for one in found
            if one.get("ImageConfigResponse", {}).get("ImageConfig", {}).get("Command") == [handler]
        )

    def invoke(self, name: str, event: Any, **variables: str) -> bytes | None:
        """The function's answer, with some variables of its environment changed; None if it failed."""
        client = self.platform.client("lambda")
        config = client.get_function_configuration(FunctionName=name)
        command = config.get("ImageConfigResponse", {}).get("ImageConfig", {}).get("Command", [])
        if not command:
            answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
            return None if answer.get("FunctionError") else bytes(answer["Payload"].read())
        role = config["Role"]
        session = self.platform.client("sts").assume_role(RoleArn=role, RoleSessionName="function")["Credentials"]
        environment = {
            **self.platform.emulator.environment(REGION),
            **config["Environment"]["Variables"],
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
            "AWS_ENDPOINT_URL_LAMBDA": self.url,
            "PLATFORM_CONFIG": str(self.platform_config),
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN, command[0], json.dumps(event)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.log = done.stderr[-3000:]
        if done.returncode or "AccessDenied" in done.stderr or "run failed" in done.stderr:
            self.failures.append(f"{command[0]}\n{done.stderr[-3000:]}")
            return None
        return done.stdout.splitlines()[-1].encode()


@pytest.fixture(scope="module")
def functions(platform: Platform) -> Iterator[Functions]:
    """Those of a cell with a settings API, deployed without tenants."""
    config = platform.folder / "tenants.yaml"
    config.write_text(json.dumps({"cells": {"eu": CELL}, "tenants": []}))
    outputs = platform.json("deploy", "--cell", "eu", "--yes", "--config", str(config))["outputs"]
    assert set(outputs["Control-eu"]) == {"ApiUrl", "SettingsTableName", "ShelfBucketName"}
    part = platform.folder / "platform.json"
    part.write_text(json.dumps(platform_of(load(config), "eu")))
    made = Functions(platform, part)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = unquote(self.path.split("/")[3]).rpartition(":")[2]
            said = made.invoke(name, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            if said is None:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.send_header("Content-Length", str(len(said or b"{}")))
            self.end_headers()
            self.wfile.write(said or b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def store(platform: Platform) -> SettingsStore:
    """The table that the stack has."""
    (stack,) = platform.client("cloudformation").describe_stacks(StackName="Control-eu")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    return SettingsStore(table=Table(client=platform.client("dynamodb"), name=outputs["SettingsTableName"]))


def test_a_look_deploys_what_is_wanted(functions: Functions, store: SettingsStore) -> None:
    """With its own role: table, indexes, shelf, synthesis, change sets, CloudFormation's role; nothing that it needs is denied."""
    claim = Domains(store=store).add(ANNA, DOMAIN, "acme.example")
    Domains(store=store).checked(ANNA, claim, SEEN)
    Addresses(store=store).add(ANNA, f"sales@{DOMAIN}", AddressChange(name="Acme Sales"))
    look = functions.named("email_stack.deploying.functions.on_look")
    said = functions.invoke(look, {})
    assert functions.failures == []
    assert json.loads(said or b"{}") == {"left": 0}
    found = Domains(store=store).one("acme", DOMAIN)
    assert (found.status, found.deployed, found.failure) == (Status.AWAITING_DNS, 2, "")
    assert (len(found.name_servers), bool(found.zone)) == (4, True)


def test_what_was_made(platform: Platform, functions: Functions, store: SettingsStore) -> None:
    """A tenant as any other is; names come into its table without a deployment, by the cell's writer of address books."""
    tenant = Domains(store=store).one("acme", DOMAIN).tenant
    (stack,) = platform.client("cloudformation").describe_stacks(StackName=tenant_stack_name(tenant))["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    functions.invoke(functions.named("email_stack.deploying.functions.on_look"), {})
    assert functions.failures == []
    reader = MessageReader(
        table=Table(client=platform.client("dynamodb"), name=outputs["MessagesTableName"]),
        objects=Objects(client=platform.client("s3"), bucket=outputs["BucketName"]),
    )
    book = reader.address_book()
    assert book is not None
    assert [one.name for one in book.addresses if one.address == f"sales@{DOMAIN}"] == ["Acme Sales"]


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    """An issuer on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = json.dumps(made.documents()[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = LocalIssuer(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def test_the_api_answers_with_its_own_rights(functions: Functions, store: SettingsStore, issuer: LocalIssuer) -> None:
    """In a session of the token's organisation: its own domain and a new one; another's id is not there, a bad token a problem."""
    handler = functions.named("email_stack.settings.function.handler")

    def ask(token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        event = event_of(method, path, headers, json.dumps(body) if body is not None else "")
        said = functions.invoke(handler, event, SETTINGS_ISSUER=issuer.url, SETTINGS_AUDIENCE=AUDIENCE)
        assert functions.failures == []
        answer = json.loads(said or b"{}")
        return answer["statusCode"], json.loads(answer["body"] or "null")

    acme, globex = issuer.token("acme"), issuer.token("globex")
    status, found = ask(acme, "GET", "/v1/email-settings?type=email_domain")
    assert status == 200, (found, functions.log)
    assert [one["value"] for one in found] == [DOMAIN]
    status, found = ask(globex, "POST", "/v1/email-settings/domain", {"domain": "post.globex.example"})
    assert (status, found["status"], found["org_id"]) == (200, "claimed", "globex")
    assert Domains(store=store).one("globex", "post.globex.example").status is Status.CLAIMED
    (address,) = Addresses(store=store).all("acme")
    assert ask(globex, "GET", f"/v2/email-settings/email-addresses/{address.id}")[0] == 404
    status, problem = ask("x", "GET", "/v1/email-settings/domain")
    assert (status, problem["status"], "error" in problem) == (401, 401, True)


def test_the_daily_check_has_what_it_needs(functions: Functions, store: SettingsStore) -> None:
    """The table, by its index, with its own role."""
    check = functions.named("email_stack.deploying.functions.on_check")
    functions.invoke(check, {})
    assert functions.failures == []


def test_the_cell_goes_with_its_api(platform: Platform, functions: Functions, store: SettingsStore) -> None:
    """Not while a customer has a tenant or a domain; then the API's stack goes first. The table, with its audit, is kept."""
    command = ["destroy-cell", "eu", "--yes", "--config", str(platform.folder / "tenants.yaml")]
    claim, cloudformation = Domains(store=store).one("acme", DOMAIN), platform.client("cloudformation")
    refused = platform.email_stack(*command)
    assert (refused.returncode, "is used by 1 stack, Tenant-acme-" in refused.stderr) == (5, True)
    stack = tenant_stack_name(claim.tenant)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
    )
    refused = platform.email_stack(*command)
    assert (refused.returncode, "customers have 1 domain" in refused.stderr) == (5, True)
    Operating(store=store).hand_over(claim)
    assert platform.json(*command)["stacks"] == ["Control-eu", "Cell-eu"]
    left = {one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]}
    assert not {"Control-eu", "Cell-eu"} & left
    assert store.table.name in platform.client("dynamodb").list_tables()["TableNames"]
