"""Wrong arguments of callers: they work, or the error names the wanted form. No result is silently empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import PermanentError
from mailroom.store import MessageReader, Objects, Table
from mailroom.store.arguments import address_of, message_id_of
from tests.mailroom.store.conftest import REGION, Store, mail

READS: dict[str, Callable[..., Any]] = {
    "threads": lambda reader, **more: reader.threads(**more),
    "thread": lambda reader, **more: reader.thread("0" * 64, **more),
    "by_address": lambda reader, **more: reader.by_address("anna@example.net", **more),
    "engagements": lambda reader, **more: reader.sending_events("0100", **more),
    "suppressions": lambda reader, **more: reader.suppressions(**more),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("limit", [0, -1, True, "5", 2.0])
def test_limit_of_a_page_is_a_number_from_one_up(store: Store, read: str, limit: Any) -> None:
    """Anything else is refused before AWS is asked."""
    with pytest.raises(ValueError, match="limit: must be"):
        READS[read](store.reader, limit=limit)


@pytest.mark.parametrize("name", ["a@example.net", "<a@example.net>", " <a@example.net>\r\n", "< a@example.net >"])
def test_message_id_is_found_with_its_brackets(store: Store, name: str) -> None:
    """As headers have it, and without."""
    filed = store.file(mail("a"))
    assert store.reader.by_message_id(name) == (filed.digest,)


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.net",
        "Anna <anna@example.net>",
        '"B, Anna" <ANNA@example.net>',
        "<anna@example.net>",
        " anna@example.net ",
    ],
)
def test_address_is_found_with_its_name(store: Store, address: str) -> None:
    """As mail clients copy it, and without."""
    filed = store.file(mail("a"))
    assert [one.digest for one in store.reader.by_address(address).items] == [filed.digest]


@pytest.mark.parametrize(
    "address", ["", "  ", "<>", "a@b.example, c@d.example", "Anna <a@b.example>; <c@d.example>", ","]
)
def test_what_is_not_one_address_is_refused(store: Store, address: str) -> None:
    """The text says how many there are, and none of them."""
    for read in (store.reader.by_address, store.reader.suppression):
        with pytest.raises(ValueError, match="address: must be") as refused:
            read(address)
        assert "@b.example" not in str(refused.value)


@pytest.mark.parametrize("name", ["", " ", "<>", "< >"])
def test_empty_message_id_is_refused(store: Store, name: str) -> None:
    """Nothing has it."""
    with pytest.raises(ValueError, match="message_id: must be"):
        store.reader.by_message_id(name)


@given(st.text(max_size=60))
def test_any_text_is_an_argument_or_refused(text: str) -> None:
    """No other error, and an argument without anything around it stays what it is."""
    for read in (address_of, message_id_of):
        try:
            found = read(text)
        except ValueError:
            continue
        assert found.strip() == found != ""
    if text.strip() and not set(text) & set("<>,;"):
        assert address_of(text) == message_id_of(text) == text.strip()


def test_missing_table_and_bucket_are_permanent(store: Store) -> None:
    """A name that is wrong never becomes right."""
    filed = store.file(mail("a", body="x" * 10))
    stored = store.reader.message(filed.digest)
    assert stored is not None
    lost = MessageReader(
        table=Table(client=store.client("dynamodb"), name="no-such-table"),
        objects=Objects(client=store.client("s3"), bucket="no-such-bucket"),
    )
    for read in (lost.threads, lost.address_book, lambda: lost.message(filed.digest)):
        with pytest.raises(PermanentError, match=r"table no-such-table.*: dynamodb:\w+ failed, got ResourceNotFound"):
            read()
    with pytest.raises(PermanentError, match=r"no-such-bucket/clean/.*: s3:GetObject failed, got NoSuchBucket"):
        lost.open_source(stored.deliveries[0])


def test_reader_without_region_says_how_to_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked, and so does a profile that does not exist."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(PermanentError, match="session: must have a region, got none; set AWS_REGION"):
        MessageReader.of(table="t", bucket="b")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(PermanentError, match="session: AWS_PROFILE must be a profile"):
        MessageReader.of(table="t", bucket="b")


@pytest.mark.slow
def test_clients_of_a_reader_wait_for_seconds() -> None:
    """A page that somebody waits for is not held for minutes; the caller's own settings go first."""
    session = boto3.Session(region_name=REGION)
    config: Any = MessageReader.of(table="t", bucket="b", session=session).table.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
    own: Any = MessageReader.of(table="t", bucket="b", session=session, config=Config(read_timeout=2))
    assert (own.objects.client.meta.config.connect_timeout, own.objects.client.meta.config.read_timeout) == (3, 2)
