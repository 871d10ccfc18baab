"""Envelope recipients by SES's notification reach the delivery, the list of each address, and events, in any order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.events import MessageReceived, RecipientsAdded
from mailroom.functions.ingest import Work, _seconds, process_batch
from mailroom.ingest.recipients import LOOKED_FOR, LOOKS, PROMPT
from mailroom.notifications import StoredObject
from mailroom.store.keys import PARTITION, SORT
from mailroom.store.run_time import AddressNow, RunTime, put_run_time
from tests.mailroom.ingest.worlds import DOMAIN, OTHER, A, B, C, World
from tests.mailroom.store.conftest import Store, new_store

RECEIVES = 5


@pytest.fixture
def world(store: Store) -> World:
    """On a store of its own."""
    return World(store)


@pytest.fixture(scope="module")
def shared(emulator: Emulator) -> Store:
    """A store for many messages."""
    made = new_store(emulator)
    made.client("s3").put_bucket_versioning(Bucket=made.bucket, VersioningConfiguration={"Status": "Enabled"})
    return made


minutes = st.floats(0, 40).map(lambda number: timedelta(minutes=round(number, 2)))
soon = st.sampled_from([timedelta(0), timedelta(seconds=1), PROMPT, LOOKED_FOR]) | minutes


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    delivered=soon,
    named=st.lists(soon, min_size=1, max_size=2),
    filings=st.lists(soon, min_size=1, max_size=2),
    looks=soon,
)
@example(delivered=timedelta(0), named=[timedelta(0)], filings=[timedelta(0)], looks=timedelta(0))
@example(delivered=PROMPT, named=[timedelta(0)], filings=[timedelta(0)], looks=timedelta(0))
@example(delivered=LOOKED_FOR + PROMPT, named=[timedelta(0)], filings=[timedelta(0)], looks=timedelta(0))
@example(delivered=timedelta(hours=9), named=[timedelta(0)], filings=[timedelta(0)], looks=timedelta(0))
@example(delivered=timedelta(0), named=[timedelta(hours=9)], filings=[timedelta(0)], looks=timedelta(0))
def test_any_order_ends_with_all_recipients(
    shared: Store, delivered: timedelta, named: list[timedelta], filings: list[timedelta], looks: timedelta
) -> None:
    """Message and recipients come at any time, and each notification of them late, twice, or after tries without success.

    Each function runs at its moment by the queues' own rules; two receipt rules may name recipients one after the other.
    """
    world = World(shared)
    begin, numbers = world.received, itertools.count()
    due: list[tuple[timedelta, int, Callable[[timedelta], Iterable[Any]]]] = []

    def at(moment: timedelta, do: Callable[[timedelta], Iterable[Any]]) -> None:
        due.append((moment, next(numbers), do))

    def scan(now: timedelta) -> Iterable[Any]:
        item = world.deliver()
        for wait in filings:
            at(now + wait, lambda _now: [world.work.take(item)])
        return ()

    def name(count: int) -> Callable[[timedelta], Iterable[Any]]:
        def write(now: timedelta) -> Iterable[Any]:
            item = world.name_recipients(*(A, B, C)[: count + 2])
            at(now + looks, lambda later: look(item, 1, later))
            return ()

        return write

    def look(item: StoredObject, receives: int, now: timedelta) -> Iterable[Any]:
        try:
            world.work.take(item)
        except RetryableError:
            assert receives < RECEIVES
            at(now + timedelta(seconds=LOOKS[receives - 1]), lambda later: look(item, receives + 1, later))
        return ()

    at(delivered, scan)
    for count, moment in enumerate(sorted(named)):
        at(moment, name(count))
    while due:
        moment, number, do = min(due, key=lambda one: one[:2])
        due.remove((moment, number, do))
        shared.now = begin + moment
        list(do(moment))
    world.is_right(*(A, B, C)[: len(named) + 1])
    assert sum(isinstance(event, MessageReceived) for event in world.told) >= 1


class Interrupted:
    """A client of DynamoDB before whose call of a number something else happens."""

    def __init__(self, client: Any, number: int, do: Callable[[], object]) -> None:
        self.client, self.left, self.do = client, number, do

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)

        def made(**asked: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.do()
            return call(**asked)

        return made


def test_recipients_at_every_moment_of_a_filing(shared: Store) -> None:
    """Between any two calls of the worker that stores the message: it does not write over them, whatever it writes."""
    for number in itertools.count(1):
        world = World(shared)
        item = world.deliver()
        others = world.name_recipients(A, B)
        world.dynamodb = client = Interrupted(shared.client("dynamodb"), number, lambda: None)
        plain = World(shared, name=world.name, told=world.told, seen=world.seen)
        plain.s3 = world.s3
        client.do = lambda plain=plain, others=others: plain.work.take(others)  # type: ignore[misc]
        world.work.take(item)
        if client.left > 0:
            break
        world.is_right(A, B)
    assert number > 6


def test_prompt_message_is_read_without_another_request(world: World) -> None:
    """Ordinary mail asks for no object of recipients; what comes after five minutes does."""
    asked: list[str] = []
    get = world.s3.get_object

    def counted(**request: Any) -> Any:
        asked.append(request["Key"])
        return get(**request)

    world.s3.get_object = counted  # type: ignore[method-assign]
    item = world.deliver()
    world.work.take(item)
    assert asked == [f"clean/{world.name}"]
    world.store.now += PROMPT + timedelta(seconds=1)
    world.work.take(item)
    assert asked[1:] == [f"clean/{world.name}", f"verdicts/recipients/{world.name}"]


def test_held_mail_has_all_recipients_when_it_is_told(world: World) -> None:
    """Released weeks later: SES's notification was looked for ten minutes, and waits as an object."""
    item = world.name_recipients(A, B)
    world.store.now += LOOKED_FOR
    assert world.work.take(item) is None
    world.store.now += timedelta(days=30)
    world.work.take(world.deliver())
    world.is_right(A, B)
    assert [type(event) for event in world.told] == [MessageReceived]


def test_recipients_that_come_late_have_an_event(world: World) -> None:
    """After the message's own; once, also where they come twice, and again where nobody took it."""
    world.work.take(world.deliver())
    assert world.recipients == {A}
    world.store.now += timedelta(hours=5)
    item = world.name_recipients(A, B)
    world.refused.append(RecipientsAdded)
    with pytest.raises(RetryableError):
        world.work.take(item)
    for _ in range(2):
        world.work.take(item)
    world.is_right(A, B)
    _, added = world.told
    assert (added.TYPE, added.recipients, added.delivery) == ("RecipientsAdded", 2, world.name)
    assert added.message == world.told[0].message


def test_message_that_was_deleted_or_never_comes(world: World) -> None:
    """By the tenant's policy, say: what SES says of it is looked for ten minutes, and forgotten."""
    item = world.name_recipients(A, B)
    world.store.now += LOOKED_FOR - timedelta(seconds=1)
    with pytest.raises(RetryableError, match="is not delivered yet"):
        world.work.take(item)
    world.store.now += timedelta(seconds=1)
    assert world.work.take(item) is None
    world.store.client("s3").delete_object(Bucket=world.store.bucket, Key=item.key, VersionId=item.version)
    assert world.work.take(item) is None
    assert world.store.items() == []


def test_addresses_of_other_tenants_are_not_kept(world: World) -> None:
    """Neither from SES's header line, which may name one of another tenant, nor from whoever publishes to the topic."""
    world.work.take(world.deliver(said=OTHER))
    assert world.recipients == set()
    world.work.take(world.name_recipients(OTHER))
    assert world.recipients == set()
    world.work.take(world.name_recipients(B, OTHER))
    world.is_right(B)
    assert OTHER not in str(world.store.items())
    assert not world.listed(OTHER)


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b'{"recipients": 1}', b'{"recipients": []}'])
def test_object_without_recipients(world: World, body: bytes) -> None:
    """Whatever is in it, the message stays as it is."""
    world.work.take(world.deliver())
    assert world.work.take(world.put(f"verdicts/recipients/{world.name}", body)) is None
    world.is_right(A)


def test_one_recipient_that_is_on_is_enough(world: World) -> None:
    """A message to a switched-off address waits under `clean/`; SES's notification says that it was for another one, too."""
    put_run_time(world.work._recalling(world.store.bucket).table, _off(A), [], world.store.now)
    assert world.work.take(world.deliver()) is None
    assert world.recipients == set()
    world.work.take(world.name_recipients(A, B))
    world.is_right(A, B)


def _off(*addresses: str) -> RunTime:
    return RunTime(revision=1, addresses={one: AddressNow(active=False) for one in addresses})


def test_all_recipients_off(world: World) -> None:
    """The message stays where it is."""
    put_run_time(world.work._recalling(world.store.bucket).table, _off(A, B), [], world.store.now)
    assert world.work.take(world.deliver()) is None
    assert world.work.take(world.name_recipients(A, B)) is None
    assert (world.recipients, world.told) == (set(), [])


def test_recalled_message_gets_its_recipients(world: World) -> None:
    """A notice stands in its place; the delivery is the same, and is found by each recipient."""
    world.work.take(world.deliver())
    (received,) = world.told
    notice = {"recalled": received.message, "action": "hold", "signature": "Eicar"}
    world.work.take(world.put(f"clean/{world.name}", b"", Metadata=notice))
    world.work.take(world.name_recipients(A, B))
    world.is_right(A, B)
    stored = world.store.reader.message(received.message)
    assert stored is not None
    assert stored.recalled is not None


def test_recipients_end_with_their_delivery(world: World) -> None:
    """What was added hours later is neither readable longer nor shorter."""
    world.store.retention = timedelta(days=10)
    world.work.take(world.deliver())
    world.store.now += timedelta(hours=9)
    world.work.take(world.name_recipients(A, B))
    items = world.store.items()
    (delivery,) = [one for one in items if one[SORT].startswith("DELIVERY#")]
    added = [one for one in items if one[SORT].startswith("DELIVERY-") or one[PARTITION] == f"ADDRESS#{B}"]
    assert len(added) == 2
    assert {(one["kept_from"], one["expires"]) for one in added} == {(delivery["kept_from"], delivery["expires"])}
    world.store.now = world.received + timedelta(days=10) - timedelta(minutes=1)
    assert world.recipients == {A, B}
    assert world.listed(B)
    world.store.now += timedelta(minutes=2)
    assert not world.listed(B)


def test_many_recipients(world: World) -> None:
    """All are kept: a hundred are a list of one customer's."""
    many = [f"n{number}@{DOMAIN}" for number in range(100)]
    world.work.take(world.deliver(said=many[0]))
    world.work.take(world.name_recipients(*many))
    world.is_right(*many)


def told_of(key: str, receives: int) -> dict[str, Any]:
    """A queue message about an object, as Lambda hands it over."""
    record = {"s3": {"bucket": {"name": "bucket"}, "object": {"key": key, "versionId": "v"}}}
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {"messageId": "m1", "body": json.dumps({"Records": [record]}), "attributes": attributes}


def test_recipients_are_looked_for_again_within_seconds() -> None:
    """And at the last try of the queue they have been looked for long enough; other failures wait as before."""
    waits = [_seconds(told_of("verdicts/recipients/1abc", receives)) for receives in range(1, RECEIVES)]
    assert waits == list(LOOKS)
    assert sum(waits) > LOOKED_FOR.total_seconds()
    assert LOOKED_FOR > PROMPT
    assert _seconds(told_of("clean/1abc", 1)) == 180
    assert _seconds({"messageId": "m1", "body": "no JSON"}) == 180


def test_queue_brings_recipients(world: World) -> None:
    """Through the function's entry, beside mail; an object elsewhere among the verdicts is refused."""

    def batch(item: StoredObject) -> Mapping[str, Any]:
        described = {"bucket": {"name": item.bucket}, "object": {"key": item.key, "versionId": item.version}}
        return {"Records": [{"messageId": "m1", "body": json.dumps({"Records": [{"s3": described}]})}]}

    done: dict[str, Any] = {"batchItemFailures": []}
    again = {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    early = world.name_recipients(A, B)
    assert process_batch(batch(early), Work(world.work, None)) == again
    assert process_batch(batch(world.deliver()), Work(world.work, None)) == done
    assert process_batch(batch(early), Work(world.work, None)) == done
    world.is_right(A, B)
    elsewhere = world.put("verdicts/1abc/v.json", b"{}")
    assert process_batch(batch(elsewhere), Work(world.work, None)) == again
