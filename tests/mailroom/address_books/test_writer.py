"""Address books, from stacks of the emulator to its tables."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mailroom.address_books.writer import BookWriter
from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.errors import PermanentError, RetryableError
from mailroom.functions import address_books as function
from mailroom.registry import Entry, Registry
from mailroom.store import Table
from mailroom.store.address_book import METADATA, book_as_json
from mailroom.store.run_time import (
    AddressNow,
    RunTime,
    Signature,
    read_run_time,
    read_signature,
    run_time_as_json,
)
from tests.mailroom.store.conftest import Store
from tests.mailroom.store.test_address_book import BOOKS

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PATH = "/books-test/configuration-sets/"
BOOK = AddressBook(
    subdomain="post.acme.example",
    addresses=(DesignatedAddress("support@post.acme.example", "Acme <ü>", receives=False),),
)


class Stacks:
    """Stacks of one parameter each, as a tenant's has it among others."""

    def __init__(self, store: Store) -> None:
        self.store, self.cloudformation = store, store.client("cloudformation")
        self.names: list[str] = []

    def deploy(self, book: Any = BOOK, *, digest: str = "d1", name: str = "", **entry: Any) -> str:
        """Deploy a stack, or change it; returns its id."""
        stack = name or f"books-{self.store.table}"
        own = Entry(tenant="acme", stack="${AWS::StackId}", table=self.store.table, book=digest).as_json()
        said = book_as_json(book) if isinstance(book, AddressBook) else book
        properties = {
            "Name": f"{PATH}{stack}",
            "Type": "String",
            "Value": {"Fn::Sub": json.dumps({**own, **entry})},
        }
        template = {
            "Resources": {
                "Entry": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": properties,
                    "Metadata": {METADATA: said} if said is not None else {},
                },
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            }
        }
        change = self.cloudformation.update_stack if stack in self.names else self.cloudformation.create_stack
        made: str = change(StackName=stack, TemplateBody=json.dumps(template))["StackId"]
        waiter = "stack_update_complete" if stack in self.names else "stack_create_complete"
        self.cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig={"Delay": 1})
        self.names.append(stack)
        return made

    def writer(self, now: datetime = NOW, table_of: Callable[[str, str], Table] | None = None) -> BookWriter:
        """The writer of address books."""
        dynamodb = self.store.client("dynamodb")
        return BookWriter(
            cloudformation=self.cloudformation,
            registry=Registry(ssm=self.store.client("ssm"), path=PATH, clock=lambda: now),
            table_of=table_of or (lambda _stack, name: Table(client=dynamodb, name=name)),
            clock=lambda: now,
        )

    def close(self) -> None:
        """Delete them."""
        for name in set(self.names):
            self.cloudformation.delete_stack(StackName=name)
            self.cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


@pytest.fixture
def stacks(store: Store) -> Any:
    """Stacks of a table's own, gone with the test."""
    made = Stacks(store)
    yield made
    made.close()


def test_book_of_a_deployed_stack(store: Store, stacks: Stacks) -> None:
    """Is in its table, whole; the next deployment's replaces it."""
    assert stacks.writer().write(stacks.deploy()) == 1
    assert store.reader.address_book() == replace(BOOK, written=NOW)
    later = replace(BOOK, addresses=(DesignatedAddress("news@post.acme.example"),), live=False)
    assert stacks.writer().write(stacks.deploy(later, digest="d2")) == 1
    assert store.reader.address_book() == replace(later, written=NOW)


@settings(
    max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(BOOKS)
def test_any_book(store: Store, stacks: Stacks, book: AddressBook) -> None:
    """Whatever names are made of."""
    stacks.writer().write(stacks.deploy(book, digest=str(hash(book))))
    assert store.reader.address_book() == replace(book, written=NOW)


def test_session_is_for_the_stack(store: Store, stacks: Stacks) -> None:
    """That CloudFormation told of; an entry that names another stack is not followed."""
    asked = []

    def table_of(stack: str, name: str) -> Table:
        asked.append((stack, name))
        return Table(client=store.client("dynamodb"), name=name)

    stack = stacks.deploy()
    stacks.writer(table_of=table_of).write(stack)
    assert asked == [(stack, store.table)]
    stacks.deploy(stack="arn:aws:cloudformation:eu-central-1:000000000000:stack/Tenant-globex/1", digest="d2")
    with pytest.raises(PermanentError, match="its entry names another stack"):
        stacks.writer(table_of=table_of).write(stack)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        [],
        {"subdomain": "x.example"},
        {**book_as_json(BOOK), "catch_all": "anna@example.net"},
        {**book_as_json(BOOK), "subdomain": None},
        {**book_as_json(BOOK), "addresses": [{"address": "anna@example.net"}]},
        {**book_as_json(BOOK), "addresses": [{**book_as_json(BOOK)["addresses"][0], "name": {}}]},
    ],
)
def test_metadata_that_is_no_book(store: Store, stacks: Stacks, said: Any) -> None:
    """The error names the stack, and nothing of what it holds; the book from before stays."""
    stack = stacks.deploy()
    stacks.writer().write(stack)
    stacks.deploy(said, digest="d2")
    with pytest.raises(PermanentError, match="holds no address book that can be read") as caught:
        stacks.writer().write(stack)
    assert "anna" not in str(caught.value)
    assert store.reader.address_book() == replace(BOOK, written=NOW)


def test_stack_without_a_book(store: Store, stacks: Stacks) -> None:
    """Has nothing to write; nor has one that is gone."""
    assert stacks.writer().write(stacks.deploy(None)) == 0
    assert store.reader.address_book() is None
    with pytest.raises(RetryableError, match="cannot be read: ValidationError"):
        stacks.writer().write("arn:aws:cloudformation:eu-central-1:000000000000:stack/Tenant-none/1")


def test_books_are_confirmed(store: Store, stacks: Stacks, caplog: pytest.LogCaptureFixture) -> None:
    """One that is there is; one that is not, or is another one, is written; one that fails keeps no other."""
    stacks.deploy()
    broken = f"{PATH}aaa"
    store.client("ssm").put_parameter(Name=broken, Value="x", Type="String")
    try:
        assert stacks.writer().confirm_all(lambda: 900) == (2, 1)
        assert f"{broken}: ValueError" in caplog.text
        assert store.reader.address_book() == replace(BOOK, written=NOW)
        later = NOW.replace(hour=16)
        assert stacks.writer(later).confirm_all(lambda: 900) == (2, 1)
        assert store.reader.address_book() == replace(BOOK, written=later)
        changed = replace(BOOK, live=False)
        stacks.deploy(changed, digest="d2")
        assert stacks.writer(NOW).confirm_all(lambda: 900) == (2, 1)
        assert store.reader.address_book() == replace(changed, written=NOW)
        with pytest.raises(RetryableError, match="time is up after 0"):
            stacks.writer().confirm_all(lambda: 19)
    finally:
        store.client("ssm").delete_parameter(Name=broken)


class _Context:
    """Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 900_000


def test_entry_tells_stacks_from_times(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A stack's event writes its book, a schedule's confirms all; what is no stack is refused, and what fails is told to Lambda."""
    monkeypatch.setattr(function, "_writer", stacks.writer)
    stack = stacks.deploy()
    with caplog.at_level(logging.INFO):
        function.on_event({"detail": {"stack-id": stack}}, _Context())
        function.on_event({"detail-type": "Scheduled Event", "detail": {}}, _Context())
    assert "tenant acme: address book written" in caplog.text
    assert "address books: 1 confirmed, 0 failed" in caplog.text
    with pytest.raises(ValueError, match="must have the id of a stack"):
        function.on_event({"detail": {"stack-id": "Tenant-acme"}}, _Context())
    stacks.store.client("ssm").put_parameter(Name=f"{PATH}aaa", Value="x", Type="String")
    try:
        with pytest.raises(RetryableError, match="1 of 2 could not be confirmed"):
            function.on_event({}, _Context())
    finally:
        stacks.store.client("ssm").delete_parameter(Name=f"{PATH}aaa")


HELD = RunTime(revision=3, addresses={"support@post.acme.example": AddressNow(name="Now", signature="s")})


def test_what_holds_now_is_written_beside_the_book(
    store: Store, stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the settings API hands it over; a tenant that is not deployed has no table, and another's is left alone."""
    stacks.deploy()
    monkeypatch.setattr(function, "_writer", stacks.writer)
    said = {"stack": stacks.names[-1], "tenant": "acme", "now": run_time_as_json(HELD), "signatures": [["Anna", "<b>"]]}
    context: Any = None
    assert function.on_event({"run_time": said}, context) == {"held": True}
    table = store.writer().table
    assert read_run_time(table) == HELD
    signature = Signature(text="Anna", html="<b>")
    assert read_signature(table, signature.digest) == signature
    assert function.on_event({"run_time": {**said, "stack": "no-such-stack"}}, context) == {"held": False}
    with pytest.raises(PermanentError, match="its entry names another tenant"):
        function.on_event({"run_time": {**said, "tenant": "globex"}}, context)
    with pytest.raises(ValueError, match="must have the name of a stack"):
        function.on_event({"run_time": {**said, "stack": "a/b"}}, context)
