"""The entries that look and check, as Lambda calls them: the table, the bucket and CloudFormation are the emulator's.

Lambda itself is an endpoint of this file, since what is asked of the two functions behind it, and what they say, is the point.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.naming import tenant_stack_name
from email_stack.deploying import functions
from email_stack.deploying.shelf import Shelf, snapshot_key, template_key
from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.settings.claims import Claim, Status
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.operating import Operating
from mailroom.settings.store import Actor, SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.table import Table
from tests.emulators import shared_emulator

pytestmark = pytest.mark.servers

REGION = "eu-central-1"
PLATFORM = "cells:\n  eu: {region: eu-central-1}\ntenants: []\n"
ANNA = Actor(organization="acme", user="anna")
SEEN = Seen(everywhere=True, nowhere=False, text="seen")
_NUMBERS = itertools.count(1)


@dataclass
class Context:
    """Lambda's context of an invocation."""

    seconds: float = 900
    aws_request_id: str = "one"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that are left."""
        return int(self.seconds * 1000)


@dataclass
class Lambda:
    """Calls of the two functions, and their answers."""

    asked: list[tuple[str, Any]] = field(default_factory=list)
    says: dict[str, Any] = field(default_factory=dict)
    fails: bool = False


@contextmanager
def serving(functions_: Lambda) -> Iterator[str]:
    """An endpoint of Lambda. Source: Lambda API reference, "Invoke"."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = self.path.split("/")[3]
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            functions_.asked.append((name, asked))
            said = json.dumps(functions_.says[name]).encode()
            self.send_response(200)
            if functions_.fails:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class World:
    """A table with one proven domain, a bucket, and the two functions."""

    emulator: Emulator
    store: SettingsStore
    shelf: Shelf
    functions: Lambda

    def claim(self) -> Claim:
        """The domain as it is now."""
        return Domains(store=self.store).one("acme", "mail.acme.example")


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """All of it, in the environment that the functions have."""
    emulator, name, lambda_ = shared_emulator(request), f"looking-{next(_NUMBERS)}", Lambda()
    dynamodb, s3 = emulator.client("dynamodb", REGION), emulator.client("s3", REGION)
    make_table(dynamodb, name)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    config = tmp_path / "tenants.yaml"
    config.write_text(PLATFORM, encoding="utf-8")
    given = {one: value for one, value in emulator.environment(REGION).items() if one.startswith("AWS_")}
    own = {
        "SETTINGS_TABLE": name,
        "SHELF_BUCKET": name,
        "RELEASE": "r1",
        "ASSETS": "a b",
        "PLATFORM_CONFIG": str(config),
        "CELL": "eu",
        "EXECUTION_ROLE_ARN": "arn:aws:iam::000000000000:role/execution",
        "SYNTHESIS_FUNCTION": "synthesis",
        "BOOKS_FUNCTION": "books",
    }
    store = SettingsStore(table=Table(client=dynamodb, name=name))
    claim = Domains(store=store).add(ANNA, "mail.acme.example", "acme.example")
    Domains(store=store).checked(ANNA, claim, SEEN)
    with serving(lambda_) as endpoint:
        for variable, value in {**given, **own, "AWS_ENDPOINT_URL_LAMBDA": endpoint}.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(functions, "_PAUSE_SECONDS", 0)
        functions._turns.cache_clear()
        functions._service.cache_clear()
        yield World(emulator, store, Shelf(s3=s3, bucket=name), lambda_)
    functions._turns.cache_clear()
    functions._service.cache_clear()


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Metrics that were written."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"CloudWatchMetrics"' in line]
    return {name: value for line in lines for name, value in line.items() if name != "_aws"}


def test_a_look_asks_for_a_template_and_says_why_there_is_none(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is told as failed, counted, and the snapshot stays on the shelf; what holds is handed to the writer of books."""
    world.functions.says = {"synthesis": {"failed": "synthesis: is not valid"}, "books": {"held": False}}
    assert functions.on_look({}, Context()) == {"left": 0}
    claim = world.claim()
    assert (claim.status, claim.failure, claim.tries) == (Status.FAILED, "synthesis: is not valid", 1)
    assert world.shelf.get(snapshot_key(claim.tenant, 1)) is not None
    (_, asked), (_, told) = world.functions.asked
    assert asked == {"tenant": claim.tenant, "revision": 1}
    assert (told["run_time"]["stack"], told["run_time"]["now"]["live"]) == (tenant_stack_name(claim.tenant), True)
    found = counted(capsys)
    assert (found["FailedDeployments"], found["Settings"]) == ([1.0], world.store.table.name)
    assert found["OldestRun"] == [0.0]
    assert list(Operating(store=world.store).changed()) == []


def test_a_template_that_is_none_of_ours_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever made it: nothing reaches CloudFormation, and an alarm of its own tells."""
    world.functions.says = {"synthesis": {"failed": ""}, "books": {"held": False}}
    made = {"Resources": {"X": {"Type": "AWS::IAM::User"}}}
    world.shelf.put_once(template_key(world.claim().tenant, 1, "r1"), json.dumps(made).encode())
    functions.on_look({}, Context())
    assert world.claim().failure.startswith("refused: ")
    assert world.functions.asked[0][0] == "books"
    assert counted(capsys)["RefusedTemplates"] == [1.0]
    stacks = world.emulator.client("cloudformation", REGION).describe_stacks()["Stacks"]
    assert tenant_stack_name(world.claim().tenant) not in [one["StackName"] for one in stacks]


def test_a_function_that_fails_is_asked_again(world: World) -> None:
    """As long as time lasts; nothing is told as failed, and the alarm tells that nothing was brought."""
    world.functions.says, world.functions.fails = {"synthesis": {"errorType": "MemoryError"}, "books": {}}, True
    with pytest.raises(RetryableError, match="function books: failed; see its log"):
        functions.on_look({}, Context(seconds=10))
    assert (world.claim().status, world.claim().running) == (Status.DEPLOYING, 1)
    world.functions.says, world.functions.fails = {"synthesis": {"failed": "no"}, "books": {"held": True}}, False
    assert functions.on_look({}, Context()) == {"left": 0}
    assert world.claim().failure == "no"


def test_one_looks_at_a_time(world: World) -> None:
    """While another does, nothing is done; after one that was killed, its time has to pass."""
    world.functions.says = {"synthesis": {"failed": "no"}, "books": {"held": False}}
    operating = Operating(store=world.store)
    assert operating.hold("another", 60)
    assert functions.on_look({}, Context()) == {"left": 0}
    assert world.functions.asked == []
    assert operating.hold("another", 120)
    operating.let_go("one")
    assert not operating.hold("one", 60)
    operating.let_go("another")
    functions.on_look({}, Context())
    assert world.claim().failure == "no"
    assert operating.hold("another", -60)
    assert operating.hold("one", 60)


def test_a_look_tells_how_long_a_run_has_been_due(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """For the alarm on what is not deployed in time."""
    world.functions.says = {"synthesis": {}, "books": {"held": False}}
    world.functions.fails = True
    with pytest.raises(RetryableError):
        functions.on_look({}, Context(seconds=10))
    assert counted(capsys)["OldestRun"][0] > 0


def test_the_daily_check_says_what_it_could_not_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain that is due is looked at, with the machine's own resolvers; without time for it, the alarm tells."""
    Domains(store=world.store).add(ANNA, "post.acme.example", "acme.example")
    with pytest.raises(RetryableError, match="0 failed, 1 left"):
        functions.on_check({}, Context(seconds=10))
    assert functions.on_check({}, Context()) == {"done": 1}
    claim = Domains(store=world.store).one("acme", "post.acme.example")
    assert (claim.status, claim.checked_at is not None) == (Status.CLAIMED, True)
    assert functions.on_check({}, Context()) == {"done": 0}
