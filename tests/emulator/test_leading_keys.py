"""dynamodb:LeadingKeys, where policies are looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator
from mailroom.settings.table import make_table

from .conftest import REGION

OWN, OTHER = ({"pk": {"S": f"ORG#{name}"}, "sk": {"S": "META"}} for name in ("acme", "globex"))
Ask = Callable[[Any], Any]


def query(client: Any, organization: str) -> Any:
    """All items of a partition."""
    return client.query(
        TableName="settings",
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": "pk"},
        ExpressionAttributeValues={":p": {"S": f"ORG#{organization}"}},
    )


def transact(client: Any, *items: Any) -> Any:
    """Write all of them or none."""
    return client.transact_write_items(TransactItems=[{"Put": {"TableName": "settings", "Item": one}} for one in items])


ASKS: list[tuple[Ask, bool]] = [
    (lambda client: client.get_item(TableName="settings", Key=OWN), True),
    (lambda client: client.get_item(TableName="settings", Key=OTHER), False),
    (lambda client: client.put_item(TableName="settings", Item=OWN), True),
    (lambda client: client.put_item(TableName="settings", Item=OTHER), False),
    (lambda client: query(client, "acme"), True),
    (lambda client: query(client, "globex"), False),
    (lambda client: transact(client, OWN), True),
    (lambda client: transact(client, OWN, OTHER), False),
    (lambda client: client.batch_get_item(RequestItems={"settings": {"Keys": [OWN]}}), True),
    (lambda client: client.batch_get_item(RequestItems={"settings": {"Keys": [OWN, OTHER]}}), False),
    (lambda client: client.batch_write_item(RequestItems={"settings": [{"DeleteRequest": {"Key": OTHER}}]}), False),
    (lambda client: client.scan(TableName="settings"), False),
]


def test_a_grant_for_some_partitions() -> None:
    """By the session's tag: requests for its own partition are allowed, for others not, nor a scan, which names none."""
    with Emulator(enforce_iam=True) as running:
        make_table(running.client("dynamodb", REGION), "settings")
        iam = running.client("iam", REGION)
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": running.account_id},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="sessions", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        grant = {
            "Effect": "Allow",
            "Action": "dynamodb:*",
            "Resource": f"arn:aws:dynamodb:{REGION}:{running.account_id}:table/settings",
            "Condition": {
                "ForAllValues:StringLike": {
                    "dynamodb:LeadingKeys": ["ORG#${aws:PrincipalTag/organization}", "NAMES#*"]
                },
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        iam.put_role_policy(RoleName="sessions", PolicyName="own", PolicyDocument=policy)

        def session(**tags: str) -> Any:
            taken = running.client("sts", REGION).assume_role(
                RoleArn=role, RoleSessionName="one", Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )["Credentials"]
            credentials = (taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
            return running.client("dynamodb", REGION, credentials=credentials)

        nobody = [(ask, False) for ask, _ in ASKS]
        for client, asks in ((session(organization="acme"), ASKS), (session(), nobody)):
            for ask, allowed in asks:
                if allowed:
                    ask(client)
                    continue
                with pytest.raises(ClientError) as caught:
                    ask(client)
                assert caught.value.response["Error"]["Code"].startswith("AccessDenied")
