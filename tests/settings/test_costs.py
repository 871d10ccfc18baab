"""What a settings API takes of DynamoDB, with its own code: docs/cost.md is made from these figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from email_stack.costs.control import LIST, LOOK, WRITE, Taken
from email_stack.deploying.loop import Turns
from email_stack.settings.local import LocalServer
from mailroom.settings.keys import INDEXES
from mailroom.settings.operating import Operating
from tests.deploying.test_loop import World, world
from tests.settings.conftest import Client
from tests.settings.units import Units, counted_units

__all__ = ["world"]

pytestmark = pytest.mark.servers


def taken(units: Units, indexed: int = 0) -> Taken:
    """As the page reckons with it."""
    return Taken(requests=units.requests, read=units.read, written=int(units.written), indexed=indexed)


def test_a_look_without_work(world: World) -> None:
    """As the function looks: hold, due work, the oldest of it for the metric, and the end of the hold."""
    operating, turns = Operating(store=world.store), world.turns()
    assert isinstance(turns, Turns)
    with counted_units(world.store.table.client) as units:
        assert operating.hold("look", 400)
        assert not turns.turn()
        operating.let_go("look")
        assert not operating.oldest()
    assert taken(units) == LOOK


def in_indexes(client: Any, table: str) -> Mapping[str, int]:
    """Number of items in each index."""
    return {name: client.scan(TableName=table, IndexName=name)["Count"] for name in INDEXES}


def test_requests(server: LocalServer, client: Client) -> None:
    """A list of addresses, an added one, and a refused token, which reads nothing at all."""
    table = server.service.store.table
    assert client("POST", "/v1/email-settings/domain", {"domain": "mail.costs.example"}).status == 200
    before = in_indexes(table.client, table.name)
    with counted_units(table.client) as units:
        added = client("POST", "/v2/email-settings/email-addresses", {"address": "sales@mail.costs.example"})
    assert added.status == 201
    assert in_indexes(table.client, table.name) == before
    # The mark as changed gets another time: the index loses an item and gets one.
    assert taken(units, indexed=2) == WRITE
    with counted_units(table.client) as units:
        assert len(client("GET", "/v2/email-settings/email-addresses").json) == 1
    assert taken(units) == LIST
    with counted_units(table.client) as units:
        assert client("GET", "/v2/email-settings/email-addresses", authorization="Bearer x").status == 401
    assert taken(units) == Taken(requests=0, read=0, written=0)
