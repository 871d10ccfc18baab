"""A message deleted from quarantine is gone: from lists, and for an earlier request to the scanner."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.operations.quarantine import Quarantine as Listing
from mailroom.scanning.events import RawObject
from mailroom.scanning.handler import process_batch
from mailroom.scanning.intake import Outcome
from mailroom.scanning.verdicts import Action, Policy
from mailroom.scanning.versions import is_kept, kept_versions
from tests.mailroom.scanning.conftest import REGION, Quarantine, next_second

MAIL = b"Subject: price list\r\n\r\nas promised\r\n"


def listed(quarantine: Quarantine) -> list[RawObject]:
    """The list of `rescan` and `status`."""
    sqs = quarantine.emulator.client("sqs", REGION)
    return [one.item for one in Listing(bucket=quarantine.bucket, s3=quarantine.s3, sqs=sqs).messages()]


@pytest.fixture
def held(quarantine: Quarantine) -> RawObject:
    """A message that the tenant's policy held; by now it would be delivered."""
    quarantine.policy = Policy(clean=Action.HOLD)
    item = quarantine.put(MAIL)
    assert quarantine.intake.take(item) is Outcome.HELD
    quarantine.policy = Policy()
    return item


def test_held_mail_that_was_deleted_is_not_listed(quarantine: Quarantine, held: RawObject) -> None:
    """Neither with its verdict nor as waiting; its neighbours are."""
    neighbour = quarantine.put(MAIL, key=f"{held.key}0")
    assert listed(quarantine) == [held, neighbour]
    quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=held.key)
    assert listed(quarantine) == [neighbour]


def test_deleted_mail_is_not_delivered_by_a_rescan(quarantine: Quarantine, held: RawObject) -> None:
    """The request was made while the message was there; it was deleted before the scanner got to it."""
    (asked,) = (replace(one, rescan="r1") for one in listed(quarantine))
    quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=held.key)
    assert quarantine.intake.take(asked) is Outcome.GONE
    assert quarantine.intake.hold(asked) is Outcome.GONE
    assert quarantine.keys("clean/") == []
    assert quarantine.record(held)["rescan"] == ""


def test_mail_that_nobody_deleted_is_scanned_anew(quarantine: Quarantine, held: RawObject) -> None:
    """What was deleted below another key, even one that begins the same, is not mistaken for it."""
    longer = quarantine.put(MAIL, key=f"{held.key}-2")
    quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=longer.key)
    assert quarantine.intake.take(replace(held, rescan="r1")) is Outcome.DELIVERED
    assert quarantine.intake.take(replace(longer, rescan="r1")) is Outcome.GONE


def test_both_versions_of_a_key_are_kept(quarantine: Quarantine, held: RawObject) -> None:
    """A second message under the same key deletes nothing."""
    second = quarantine.put(MAIL + b"again\r\n", key=held.key)
    assert set(listed(quarantine)) == {held, second}
    assert is_kept(quarantine.s3, quarantine.bucket, held.key, held.version)
    assert not is_kept(quarantine.s3, quarantine.bucket, held.key, "another")


def test_what_came_after_a_deletion_is_kept_and_what_was_before_is_not(quarantine: Quarantine, held: RawObject) -> None:
    """A key can be used again; that brings nothing back."""
    next_second()
    quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=held.key)
    second = quarantine.put(MAIL, key=held.key)
    assert listed(quarantine) == [second]
    assert quarantine.intake.take(replace(held, rescan="r1")) is Outcome.GONE
    quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=held.key)
    assert listed(quarantine) == []


def test_undeleted_mail_is_there_again(quarantine: Quarantine, held: RawObject) -> None:
    """Whoever takes the delete marker away wants the message back, as S3's user guide says."""
    marker = quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=held.key)["VersionId"]
    assert listed(quarantine) == []
    quarantine.s3.delete_object(Bucket=quarantine.bucket, Key=held.key, VersionId=marker)
    assert listed(quarantine) == [held]


class Pages:
    """A client that lists versions and markers as S3 does: key by key, the latest first, so many on a page."""

    def __init__(self, entries: Sequence[tuple[str, bool]], size: int) -> None:
        self.size = size
        start = datetime(2026, 1, 1, tzinfo=UTC)
        last = {key: number for number, (key, _) in enumerate(entries)}
        self.entries = sorted(
            (
                {
                    "Key": key,
                    "VersionId": str(number),
                    "IsLatest": last[key] == number,
                    "LastModified": start + timedelta(seconds=number),
                    "marker": marker,
                }
                for number, (key, marker) in enumerate(entries)
            ),
            key=lambda one: (str(one["Key"]), -int(str(one["VersionId"]))),
        )

    def get_paginator(self, operation: str) -> Pages:
        """Itself."""
        assert operation == "list_object_versions"
        return self

    def paginate(self, **_asked: str) -> Iterator[dict[str, Any]]:
        """Its pages; a list that is empty is left out."""
        for start in range(0, len(self.entries), self.size):
            page = self.entries[start : start + self.size]
            lists = {
                "Versions": [one for one in page if not one["marker"]],
                "DeleteMarkers": [one for one in page if one["marker"]],
            }
            yield {name: entries for name, entries in lists.items() if entries}


@given(entries=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), size=st.integers(1, 7))
def test_page_breaks_change_nothing(entries: list[tuple[str, bool]], size: int) -> None:
    """What is kept of each key is what was put since it was deleted last, wherever a page ends; each once, in the order of keys."""
    wanted = {
        str(number)
        for number, (key, marker) in enumerate(entries)
        if not marker and (key, True) not in entries[number:]
    }
    found = list(kept_versions(cast(Any, Pages(entries, size)), "bucket", ""))
    assert len(found) == len(wanted)
    assert {one["VersionId"] for one in found} == wanted
    assert [one["Key"] for one in found] == sorted(one["Key"] for one in found)


def test_mail_that_came_before_versioning_took_effect(quarantine: Quarantine) -> None:
    """Its notification names no version: it is delivered, and that very object is gone from quarantine."""
    bucket = f"{quarantine.bucket}-new"
    quarantine.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    quarantine.s3.put_object(Bucket=bucket, Key="raw/early", Body=MAIL)
    quarantine.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    new = replace(quarantine, bucket=bucket)
    notice = {"s3": {"bucket": {"name": bucket}, "object": {"key": "raw/early"}}}
    batch = {"Records": [{"messageId": "m0", "body": json.dumps({"Records": [notice]})}]}
    assert process_batch(batch, new.intake, max_receives=5) == {"batchItemFailures": []}
    item = RawObject(bucket, "raw/early", "null")
    assert new.clean(item) == MAIL
    assert new.record(item)["raw_version"] == "null"
    assert new.versions(item) == []
