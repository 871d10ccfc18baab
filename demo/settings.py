"""The demo's customer: brings a domain by the settings API, sets DNS in a small internet, and gets mail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from constructs_lib.naming import tenant_stack_name
from email_stack.config import Cell
from email_stack.synthesis.toolchain import node_executable
from emulator import settings
from emulator.process import Emulator
from emulator.settings import PROJECT
from mailroom.store import MessageReader, Objects, Table
from tests.nameservers import Internet

__all__ = ["missing", "show_settings"]

_ZONE: Final = "initech.example"
_DOMAIN: Final = f"mail.{_ZONE}"
_SALES: Final = f"sales@{_DOMAIN}"
_SECONDS: Final = 60
_SDK: Final = PROJECT / "build" / "sdk"


def missing() -> str:
    """Missing programs of this part of the demo: name servers, and npm for the customers' client; "" if none is missing."""
    path = f"{settings.search_path()}:/usr/sbin"
    return ", ".join(name for name in ("knotd", "named", "npm") if shutil.which(name, path=path) is None)


def show_settings(console: Console, emulator: Emulator, cell: Cell, environment: dict[str, str]) -> None:
    """A domain from its claim to its first mail. Raises TimeoutError, CalledProcessError."""
    with (
        tempfile.TemporaryDirectory(prefix="internet-") as folder,
        Internet(Path(folder)) as internet,
        _api(internet, environment) as url,
    ):
        internet.serve(_ZONE, "", internet.customer)
        with urllib.request.urlopen(f"{url}/local/token?organization=initech", timeout=10) as response:
            token = response.read().decode()
        with _sdk(url, token) as ask:
            claim = ask("addDomain", {"domain": _DOMAIN})
            record = claim["records"][0]
            console.print(f"   addDomain {_DOMAIN}: {claim['status']}; set {record['type']} {record['name']}")
            ask("addEmailAddress", {"address": _SALES, "name": "Initech Sales"})
            internet.serve(_ZONE, f'{record["name"]}. TXT "{record["value"]}"', internet.customer)
            internet.flush()
            console.print(
                f"   verifyDomain: {ask('verifyDomain', {'domain': _DOMAIN})['status']}, and is being deployed"
            )

            def domain() -> Any:
                (found,) = ask("getSettings", None, {"type": "email_domain"})
                return found

            found = _await(lambda: (one := domain())["name_servers"] and one, "name servers")
            console.print(f"   getSettings: {found['status']}; delegate to {', '.join(found['name_servers'])}")
            _delegate(internet, emulator, cell, found["name_servers"])
            active = ask("verifyDomain", {"domain": _DOMAIN})
            right = sum(one["status"] == "ok" for one in active["records"])
            console.print(f"   verifyDomain: {active['status']}, {right} of {len(active['records'])} records are right")
        _receive(console, emulator, cell)


def _receive(console: Console, emulator: Emulator, cell: Cell) -> None:
    stacks = emulator.client("cloudformation", cell.region).describe_stacks()["Stacks"]
    name = next(one["StackName"] for one in stacks if one["StackName"].startswith(tenant_stack_name("initech-")))
    (stack,) = [one for one in stacks if one["StackName"] == name]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    reader = MessageReader(
        table=Table(client=emulator.client("dynamodb", cell.region), name=outputs["MessagesTableName"]),
        objects=Objects(client=emulator.client("s3", cell.region), bucket=outputs["BucketName"]),
    )
    mail = f"From: anna@example.net\r\nTo: {_SALES}\r\nSubject: An offer, please\r\n\r\nHello.\r\n".encode()
    emulator.receive(mail, [_SALES], cell.region, sender="anna@example.net")
    (thread,) = _await(lambda: reader.threads().items, "the message")
    console.print(f'   mail to {_SALES} arrived, scanned: "{thread.subject}" (stack {name})')


def _delegate(internet: Internet, emulator: Emulator, cell: Cell, names: list[str]) -> None:
    """Set the customer's DNS as their IT does, and serve Route 53's zones."""
    route53 = emulator.client("route53", cell.region)
    (zone,) = [one for one in route53.list_hosted_zones()["HostedZones"] if one["Name"] == f"{_DOMAIN}."]
    lines = []
    for one in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
        for value in one.get("ResourceRecords", []) if one["Type"] not in {"NS", "SOA"} else []:
            end = "." if one["Type"] in {"CNAME", "MX"} and not value["Value"].endswith(".") else ""
            lines.append(f"{one['Name']} 60 IN {one['Type']} {value['Value']}{end}")
    for name, server in zip(names, internet.ours, strict=True):
        host, _, above = name.partition(".")
        internet.serve(above, f"{host} A {server.address}", [internet.root])
    internet.serve(_DOMAIN, "\n".join(lines), internet.ours, names)
    internet.flush()


@contextmanager
def _api(internet: Internet, environment: dict[str, str]) -> Iterator[str]:
    dns = ["--resolver", f"{internet.resolver.address}#{internet.resolver.port}", "--dns-port", str(internet.port)]
    command = [sys.executable, "-u", "-m", "email_stack.cli", "api", "--local", "--deploy", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, *dns, "--dns-network", "127.53.0.0/16"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@contextmanager
def _sdk(url: str, token: str) -> Iterator[Callable[..., Any]]:
    """The customers' client from npm, in a process of Node."""
    source = PROJECT / "tests" / "settings" / "sdk"
    if not (_SDK / "node_modules" / "@epilot" / "sdk").is_dir():
        _SDK.mkdir(parents=True, exist_ok=True)
        for name in (".npmrc", "package.json", "package-lock.json"):
            shutil.copy(source / name, _SDK / name)
        command = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        step = [sys.executable, str(PROJECT / "tools" / "step.py"), "   installing that client into build/sdk/", "--"]
        subprocess.run([*step, *command], cwd=_SDK, check=True)
    with subprocess.Popen(
        [str(node_executable()), str(source / "ask.mjs"), url, str(_SDK)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def ask(operation: str, body: Any = None, parameters: Any = None) -> Any:
            assert process.stdin is not None and process.stdout is not None  # noqa: PT018 - pipes
            headers = {"Authorization": f"Bearer {token}"}
            asked = {
                "client": "sdk",
                "operation": operation,
                "parameters": parameters,
                "body": body,
                "headers": headers,
            }
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            if not 200 <= answer["status"] < 300:
                raise RuntimeError(f"{operation}: {answer['status']} {answer['data']}")
            return answer["data"]

        yield ask
        process.terminate()


def _await(done: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + _SECONDS
    while not (found := done()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not there after {_SECONDS} s; see the emulator's log")
        time.sleep(0.2)
    return found
