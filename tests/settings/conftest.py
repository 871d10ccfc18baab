"""The API on loopback, with the emulator's table and a small internet behind it: one of each for all tests of a worker."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest

from email_stack.dnscheck.model import Endpoint
from email_stack.settings.local import LocalServer
from email_stack.settings.ownership import OwnershipCheck
from email_stack.settings.records import RecordsCheck
from email_stack.settings.service import Service
from mailroom.settings.lifetimes import Limits, Rate
from mailroom.settings.store import SettingsStore
from mailroom.settings.table import make_table
from mailroom.store.table import Table
from tests.emulators import shared_emulator
from tests.nameservers import Internet

_NUMBERS = itertools.count(1)
_OFTEN = Rate(name="often", most=1_000_000, seconds=60)
PATIENT = Limits(writes=_OFTEN, checks=_OFTEN, claims=_OFTEN, pending=100)
"""Limits for tests that are about something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Client:
    """Asks the API as a user of one organisation."""

    server: LocalServer
    organization: str
    token: str = field(repr=False)

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: str | None = None, **headers: str | None
    ) -> Answer:
        """One request; a header's name is written with underscores, and None leaves a header out."""
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=30)
        sent: dict[str, str | None] = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        content = raw if raw is not None else json.dumps(body) if body is not None else None
        connection.request(method, path, content, {name: one for name, one in sent.items() if one is not None})
        response = connection.getresponse()
        answer = Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode()
        )
        connection.close()
        return answer


@pytest.fixture(scope="session")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers that run, with no customer's zone yet."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        yield running


MakeServer = Callable[[Limits], LocalServer]


@pytest.fixture(scope="session")
def make_server(request: pytest.FixtureRequest, internet: Internet) -> Iterator[MakeServer]:
    """Starts servers, each with a table of its own."""
    client = shared_emulator(request).client("dynamodb", "eu-central-1")
    started: list[LocalServer] = []

    def make(limits: Limits) -> LocalServer:
        name = f"api-{next(_NUMBERS)}"
        make_table(client, name)
        resolvers = (Endpoint(internet.resolver.address, internet.resolver.port),)
        allowed = (ip_network("127.53.0.0/16"),)
        service = Service(
            store=SettingsStore(table=Table(client=client, name=name), limits=limits),
            look=OwnershipCheck(resolvers=resolvers, port=internet.port, allowed=allowed),
            look_at_records=RecordsCheck(resolvers=resolvers, port=internet.port, allowed=allowed),
        )
        started.append(LocalServer(service).__enter__())
        return started[-1]

    yield make
    for one in started:
        one.__exit__(None, None, None)


@pytest.fixture(scope="session")
def server(make_server: MakeServer) -> LocalServer:
    """One with limits that no test reaches."""
    return make_server(PATIENT)


@pytest.fixture
def client(server: LocalServer) -> Client:
    """A user of an organisation that nobody knows yet."""
    return new_client(server)


def new_client(server: LocalServer) -> Client:
    """A user of an organisation that nobody knows yet."""
    organization = f"org-{next(_NUMBERS)}"
    return Client(server, organization, server.issuer.token(organization))
