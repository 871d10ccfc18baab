"""Writes that meet another, as a test tells the emulator, and what the store makes of them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator, EmulatorError
from tests.mailroom.store.conftest import REGION, mail, new_store


def test_answers(emulator: Emulator) -> None:
    """A transaction is cancelled, a single write is refused, a conditional object gets 409; each as often as asked."""
    store = new_store(emulator)
    dynamodb, s3 = store.client("dynamodb"), store.client("s3")
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    put = {"Put": {"TableName": store.table, "Item": item}}
    other = {"Put": {"TableName": store.table, "Item": {**item, "sk": {"S": "c"}}}}
    emulator.conflict("dynamodb", 2, REGION)
    with pytest.raises(ClientError) as cancelled:
        dynamodb.transact_write_items(TransactItems=[put, other])
    assert cancelled.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert [one["Code"] for one in cancelled.value.response["CancellationReasons"]] == ["TransactionConflict", "None"]
    with pytest.raises(ClientError, match="TransactionConflictException"):
        dynamodb.put_item(TableName=store.table, Item=item)
    assert dynamodb.scan(TableName=store.table)["Items"] == []
    dynamodb.put_item(TableName=store.table, Item=item)
    emulator.conflict("s3", 1, REGION)
    s3.put_object(Bucket=store.bucket, Key="free", Body=b"")
    with pytest.raises(ClientError) as met:
        s3.put_object(Bucket=store.bucket, Key="k", Body=b"", IfNoneMatch="*")
    assert met.value.response["Error"]["Code"] == "ConditionalRequestConflict"
    assert met.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    s3.put_object(Bucket=store.bucket, Key="k", Body=b"", IfNoneMatch="*")


def test_the_store_tries_again(emulator: Emulator) -> None:
    """Messages are filed and joined all the same."""
    store = new_store(emulator)
    for number, raw in enumerate(
        [mail("a"), mail("x", minute=1), mail("z", "a", "x", minute=2, body="%PDF" + "long " * 9000)]
    ):
        emulator.conflict("dynamodb", 1 + number, REGION)
        emulator.conflict("s3", 1, REGION)
        store.file(raw)
    for service in ("dynamodb", "s3"):
        emulator.conflict(service, 0, REGION)
    store.check()


def test_another_service(emulator: Emulator) -> None:
    """Is refused."""
    with pytest.raises(EmulatorError, match="writes of sqs meet no others"):
        emulator.conflict("sqs", 1, REGION)
