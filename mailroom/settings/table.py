"""Creates the table of settings on an emulator, without a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailroom.settings.keys import INDEXES
from mailroom.store.keys import EXPIRES, PARTITION, SORT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["make_table"]


def make_table(client: DynamoDBClient, name: str) -> bool:
    """Create a table of that name; False where it exists. Raises ClientError and BotoCoreError."""
    keys = [PARTITION, SORT, *(key for keys in INDEXES.values() for key in keys)]
    try:
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": PARTITION, "KeyType": "HASH"},
                {"AttributeName": SORT, "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": name,
                    "KeySchema": [
                        {"AttributeName": partition, "KeyType": "HASH"},
                        {"AttributeName": sort, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for name, (partition, sort) in INDEXES.items()
            ],
        )
    except client.exceptions.ResourceInUseException:
        return False
    client.get_waiter("table_exists").wait(TableName=name)
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES})
    return True
