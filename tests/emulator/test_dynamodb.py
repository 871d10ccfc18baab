"""Tables and their properties, what a policy lets a role do with them, and writes at the same time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from emulator import Emulator, settings

from .conftest import REGION, Stacks, code_of

ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST"}
KEY = {"Fn::GetAtt": ["Key", "Arn"]}


def keys(*names: str) -> list[dict[str, str]]:
    """A key schema: the partition key, then perhaps the sort key."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def texts(*names: str) -> list[dict[str, str]]:
    """Attributes that are strings."""
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def index(name: str, *by: str, **more: Any) -> dict[str, Any]:
    """A global index that holds every attribute."""
    return {"IndexName": name, "KeySchema": keys(*by), "Projection": {"ProjectionType": "ALL"}, **more}


def table(**more: Any) -> dict[str, Any]:
    """A table and nothing else, on demand and under a generated name unless told otherwise."""
    properties = {"KeySchema": keys("pk"), "AttributeDefinitions": texts("pk"), **ON_DEMAND, **more}
    return {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}


def indexed(*indexes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A table with these global indexes, and their attributes."""
    names = {"pk", *(key["AttributeName"] for each in indexes for key in each["KeySchema"])}
    return table(AttributeDefinitions=texts(*sorted(names)), GlobalSecondaryIndexes=list(indexes), **more)


OUTPUTS = {"Name": {"Ref": "Table"}, "Arn": {"Fn::GetAtt": ["Table", "Arn"]}}
PROPERTIES: dict[str, Any] = {
    "DeletionProtectionEnabled": True,
    "OnDemandThroughput": {"MaxReadRequestUnits": 40},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "Key"}},
    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    "TableClass": "STANDARD_INFREQUENT_ACCESS",
    "Tags": [{"Key": "tenant", "Value": "acme"}, {"Key": "tier", "Value": "a"}],
    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": "true"},
}


class Read:
    """A table as the DynamoDB API describes it."""

    def __init__(self, stacks: Stacks, name: str) -> None:
        dynamodb = stacks.client("dynamodb")
        self.table = dynamodb.describe_table(TableName=name)["Table"]
        self.expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        self.recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=self.table["TableArn"])["Tags"]
        self.tags = {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}
        self.indexes = {each["IndexName"]: each for each in self.table.get("GlobalSecondaryIndexes", [])}


def test_a_table_holds_its_properties_and_loses_them(stacks: Stacks) -> None:
    """Every property is readable through the DynamoDB API, changes with the template, and goes when it drops it."""
    key = {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}}}
    name, outputs = stacks.deploy(
        key | table(**PROPERTIES), OUTPUTS | {"Key": KEY, "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]}}
    )
    found = Read(stacks, outputs["Name"])
    assert found.table["TableArn"] == outputs["Arn"]
    assert found.table["LatestStreamArn"] == outputs["Stream"]
    assert found.table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert found.table["DeletionProtectionEnabled"] is True
    assert found.table["OnDemandThroughput"]["MaxReadRequestUnits"] == 40
    assert found.table["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert found.table["SSEDescription"]["Status"] == "ENABLED"
    assert found.table["SSEDescription"]["KMSMasterKeyArn"] == outputs["Key"]
    assert found.expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    assert (found.recovery, found.tags) == ("ENABLED", {"tenant": "acme", "tier": "a"})

    changed = PROPERTIES | {
        "OnDemandThroughput": {"MaxReadRequestUnits": "50", "MaxWriteRequestUnits": 60},
        "SSESpecification": {"SSEEnabled": True},
        "Tags": [{"Key": "tenant", "Value": "globex"}],
    }
    stacks.deploy(key | table(**changed), OUTPUTS, stack=name)
    found = Read(stacks, outputs["Name"])
    assert found.table["OnDemandThroughput"] == {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 60}
    assert found.table["SSEDescription"]["KMSMasterKeyArn"].endswith(":alias/aws/dynamodb")
    assert (found.recovery, found.tags) == ("ENABLED", {"tenant": "globex"})
    assert found.table["DeletionProtectionEnabled"] is True

    stacks.deploy(table(), stack=name)
    found = Read(stacks, outputs["Name"])
    assert found.table["DeletionProtectionEnabled"] is False
    assert found.table["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
    assert found.table["TableClassSummary"]["TableClass"] == "STANDARD"
    assert found.table["SSEDescription"]["Status"] == "DISABLED"
    assert not found.table["StreamSpecification"]["StreamEnabled"]
    assert found.expiry["TimeToLiveStatus"] == "DISABLED"
    assert (found.recovery, found.tags) == ("DISABLED", {})


def test_billing_changes_in_place(stacks: Stacks) -> None:
    """From on demand to provisioned and back, of the table and its index; the items stay."""
    name, outputs = stacks.deploy(indexed(index("by-tenant", "tenant")), OUTPUTS)
    dynamodb = stacks.client("dynamodb")
    dynamodb.put_item(TableName=outputs["Name"], Item={"pk": {"S": "a"}})
    assert Read(stacks, outputs["Name"]).table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"

    for units in (3, "4"):
        throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": units, "WriteCapacityUnits": units}}
        provisioned = indexed(index("by-tenant", "tenant", **throughput), BillingMode="PROVISIONED", **throughput)
        stacks.deploy(provisioned, stack=name)
        found = Read(stacks, outputs["Name"])
        assert found.table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
        for each in (found.table, found.indexes["by-tenant"]):
            assert each["ProvisionedThroughput"]["ReadCapacityUnits"] == int(units)

    stacks.deploy(indexed(index("by-tenant", "tenant")), stack=name)
    assert Read(stacks, outputs["Name"]).table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert "Item" in dynamodb.get_item(TableName=outputs["Name"], Key={"pk": {"S": "a"}})


def test_indexes_come_and_go_one_at_a_time(stacks: Stacks) -> None:
    """An index is added over the items there are, and dropped; two at once and a changed one are refused, as on AWS."""
    name, outputs = stacks.deploy(indexed(index("by-tenant", "tenant", "at")), OUTPUTS)
    dynamodb = stacks.client("dynamodb")
    for number, folder in enumerate(["in", "out", "in"]):
        item = {"pk": str(number), "tenant": "acme", "at": str(9 - number), "folder": folder}
        dynamodb.put_item(TableName=outputs["Name"], Item={key: {"S": value} for key, value in item.items()})

    def found(index_name: str, by: str, value: str) -> list[str]:
        condition = {"KeyConditionExpression": f"{by} = :v", "ExpressionAttributeValues": {":v": {"S": value}}}
        answer = dynamodb.query(TableName=outputs["Name"], IndexName=index_name, **condition)
        return [item["pk"]["S"] for item in answer["Items"]]

    assert found("by-tenant", "tenant", "acme") == ["2", "1", "0"]
    stacks.deploy(indexed(index("by-tenant", "tenant", "at"), index("by-folder", "folder")), stack=name)
    assert sorted(found("by-folder", "folder", "in")) == ["0", "2"]

    two = indexed(index("by-tenant", "tenant", "at"), index("by-at", "at"))
    assert "more than one GSI creation or deletion" in stacks.refusal(two, stack=name)
    other = indexed(index("by-tenant", "tenant"), index("by-folder", "folder"))
    assert "got a change of by-tenant" in stacks.refusal(other, stack=name)
    assert Read(stacks, outputs["Name"]).indexes.keys() == {"by-tenant", "by-folder"}

    stacks.deploy(indexed(index("by-folder", "folder")), stack=name)
    assert Read(stacks, outputs["Name"]).indexes.keys() == {"by-folder"}


def test_a_protected_table_is_not_deleted(stacks: Stacks) -> None:
    """Neither with its stack nor through the API; without the protection it goes."""
    name, outputs = stacks.deploy(table(DeletionProtectionEnabled=True), OUTPUTS)
    dynamodb = stacks.client("dynamodb")
    with pytest.raises(AssertionError, match="protected against deletion"):
        stacks.delete(name)
    with pytest.raises(ClientError, match="protected against deletion"):
        dynamodb.delete_table(TableName=outputs["Name"])
    dynamodb.update_table(TableName=outputs["Name"], DeletionProtectionEnabled=False)
    stacks.delete(name)
    assert outputs["Name"] not in dynamodb.list_tables()["TableNames"]


def test_a_deleted_table_may_be_gone_already(stacks: Stacks) -> None:
    """A table that somebody deleted by hand does not hold up its stack."""
    name, outputs = stacks.deploy(table(), OUTPUTS)
    stacks.client("dynamodb").delete_table(TableName=outputs["Name"])
    stacks.delete(name)


@pytest.mark.parametrize(
    "changed",
    [
        {"TableName": "another"},
        {"KeySchema": keys("id"), "AttributeDefinitions": texts("id")},
        {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "N"}]},
    ],
    ids=["name", "key", "type"],
)
def test_what_cannot_change_makes_another_table(stacks: Stacks, changed: dict[str, Any]) -> None:
    """Name, key and the type of an attribute replace the table, and the old one goes."""
    name, before = stacks.deploy(table(), OUTPUTS)
    _, after = stacks.deploy(table(**changed), OUTPUTS, stack=name)
    assert after["Name"] != before["Name"]
    assert before["Name"] not in stacks.client("dynamodb").list_tables()["TableNames"]
    found = Read(stacks, after["Name"]).table
    assert found["KeySchema"] == changed.get("KeySchema", keys("pk"))


def test_a_named_table_is_not_replaced_under_its_name(stacks: Stacks) -> None:
    """CloudFormation would have to make the second before it deletes the first."""
    name, _ = stacks.deploy(table(TableName="named"))
    changed = table(TableName="named", KeySchema=keys("id"), AttributeDefinitions=texts("id"))
    assert "Rename named" in stacks.refusal(changed, stack=name)
    assert Read(stacks, "named").table["KeySchema"] == keys("pk")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"TimeToLive": {}}, "extraneous key [TimeToLive]"),
        ({"KinesisStreamSpecification": {"StreamArn": "x"}}, "KinesisStreamSpecification is not emulated"),
        (
            {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}},
            "PointInTimeRecoverySpecification.RecoveryPeriodInDays is not emulated",
        ),
        ({"BillingMode": "PROVISIONED"}, "ProvisionedThroughput must be specified"),
        ({"AttributeDefinitions": texts("pk", "unused")}, "AttributeDefinitions is inconsistent"),
        ({"TableClass": "GLACIER"}, "tableClass"),
        ({"SSESpecification": {"SSEEnabled": True, "KMSMasterKeyId": "none"}}, "NotFoundException"),
        ({"DeletionProtectionEnabled": True, "TimeToLiveSpecification": {"Enabled": True}}, "AttributeName"),
    ],
    ids=["spelling", "not-emulated", "not-emulated-within", "billing", "attributes", "class", "key", "expiry"],
)
def test_bad_properties_are_refused(stacks: Stacks, more: dict[str, Any], reason: str) -> None:
    """A refused table leaves nothing behind."""
    assert reason in stacks.refusal(table(TableName="refused", **more))
    assert "refused" not in stacks.client("dynamodb").list_tables()["TableNames"]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            {"TimeToLiveSpecification": {"AttributeName": "a", "Enabled": True}},
            {"TimeToLiveSpecification": {"AttributeName": "b", "Enabled": True}, "TableClass": "STANDARD"},
            "current AttributeName is a",
        ),
        (
            {"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}},
            {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}, "TableClass": "STANDARD"},
            "a change of StreamViewType is not emulated",
        ),
        (
            {},
            {
                "AttributeDefinitions": texts("pk", "sk"),
                "LocalSecondaryIndexes": [index("local", "pk", "sk")],
                "TableClass": "STANDARD",
            },
            "LocalSecondaryIndexes of a table that exists cannot be changed",
        ),
    ],
    ids=["expiry", "stream", "local-index"],
)
def test_a_refused_update_is_taken_back(
    stacks: Stacks, before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    """The table stays as it was, also in what the update changed before it was refused."""
    name, outputs = stacks.deploy(table(**before, TableClass="STANDARD_INFREQUENT_ACCESS"), OUTPUTS)
    was = Read(stacks, outputs["Name"])
    assert reason in stacks.refusal(table(**after), stack=name)
    found = Read(stacks, outputs["Name"])
    assert found.table["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert (found.expiry, found.recovery, found.tags) == (was.expiry, was.recovery, was.tags)


def test_of_many_conditional_writes_one_wins(stacks: Stacks) -> None:
    """Requests at the same time are served one after another, so that a condition holds until its write is done."""
    _, outputs = stacks.deploy(table(), OUTPUTS)
    dynamodb = stacks.client("dynamodb")
    put = {"TableName": outputs["Name"], "ConditionExpression": "attribute_not_exists(pk)"}
    add = {"Key": {"pk": {"S": "sum"}}, "UpdateExpression": "ADD n :one"}

    def write(number: int) -> bool:
        item = {"pk": {"S": "lock"}, "owner": {"N": str(number)}}
        dynamodb.update_item(TableName=outputs["Name"], **add, ExpressionAttributeValues={":one": {"N": "1"}})
        try:
            if number % 2:
                dynamodb.put_item(Item=item, **put)
            else:
                dynamodb.transact_write_items(TransactItems=[{"Put": {"Item": item, **put}}])
        except ClientError as error:
            refused = error.response["Error"]["Code"]
            assert refused in {"ConditionalCheckFailedException", "TransactionCanceledException"}
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(write, range(64)))
    assert won.count(True) == 1
    assert dynamodb.get_item(TableName=outputs["Name"], Key=add["Key"])["Item"]["n"] == {"N": "64"}


class Roles:
    """Roles with one grant each, and DynamoDB as they see it."""

    def __init__(self, running: Emulator) -> None:
        self.running = running
        self.iam = running.client("iam", REGION)

    def client(self, name: str, actions: list[str], resource: str) -> Any:
        """Make a role that may do these actions on one resource, and act as it."""
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": settings.ACCOUNT_ID}}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_policy(trust)))
        grant = {"Effect": "Allow", "Action": actions, "Resource": resource}
        self.iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=json.dumps(_policy(grant)))
        sts = self.running.client("sts", REGION)
        session = sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName=name)["Credentials"]
        return boto3.client(
            "dynamodb",
            region_name=REGION,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
            endpoint_url=self.running.endpoint_url,
            verify=str(settings.certificate(self.running.folder)),
        )


def _policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_role_does_what_it_may() -> None:
    """Reading is for the table that is named; each part of a transaction needs the action that it is alone."""
    with Emulator(enforce_iam=True) as running:
        stacks = Stacks(running, "tables")
        arns = {}
        for name in ("own", "other"):
            secured = indexed(index("by-tenant", "tenant"), TableName=name, TimeToLiveSpecification=_EXPIRES)
            arns[name] = stacks.deploy(secured, OUTPUTS)[1]["Arn"]
        root = running.client("dynamodb", REGION)
        key = {"pk": {"S": "a"}}
        for name in arns:
            root.put_item(TableName=name, Item=key)
        roles = Roles(running)

        reader = roles.client("reader", ["dynamodb:GetItem"], arns["own"])
        assert reader.get_item(TableName="own", Key=key)["Item"] == key
        by_tenant = {"KeyConditionExpression": "tenant = :t", "ExpressionAttributeValues": {":t": {"S": "a"}}}
        for refused in (
            lambda: reader.get_item(TableName="other", Key=key),
            lambda: reader.get_item(TableName=arns["other"], Key=key),
            lambda: reader.put_item(TableName="own", Item=key),
            lambda: reader.query(TableName="own", IndexName="by-tenant", **by_tenant),
            lambda: reader.transact_get_items(TransactItems=[{"Get": {"TableName": "other", "Key": key}}]),
        ):
            _denied(refused)
        reader.transact_get_items(TransactItems=[{"Get": {"TableName": "own", "Key": key}}])

        querier = roles.client("querier", ["dynamodb:Query"], f"{arns['own']}/index/by-tenant")
        assert querier.query(TableName="own", IndexName="by-tenant", **by_tenant)["Count"] == 0
        _denied(lambda: querier.query(TableName="other", IndexName="by-tenant", **by_tenant))

        parts: dict[str, dict[str, Any]] = {
            "ConditionCheck": {"Key": key, "ConditionExpression": "attribute_exists(pk)"},
            "Delete": {"Key": {"pk": {"S": "b"}}},
            "Put": {"Item": {"pk": {"S": "c"}}},
            "Update": {"Key": {"pk": {"S": "d"}}, "UpdateExpression": "REMOVE x"},
        }
        actions = {name: f"dynamodb:{name}Item" for name in parts}
        whole = {"TransactItems": [{name: {"TableName": "own", **part}} for name, part in parts.items()]}
        elsewhere = {"TransactItems": [{"Put": {"TableName": name, **parts["Put"]}} for name in arns]}
        for name, action in actions.items():
            others = [each for each in actions.values() if each != action]
            almost = roles.client(f"all-but-{name}", [*others, "dynamodb:TransactWriteItems"], arns["own"])
            assert action in _denied(lambda almost=almost: almost.transact_write_items(**whole))
        writer = roles.client("writer", list(actions.values()), arns["own"])
        writer.transact_write_items(**whole)
        _denied(lambda: writer.transact_write_items(**elsewhere))
        assert "Item" in root.get_item(TableName="own", Key={"pk": {"S": "c"}})
        assert "Item" not in root.get_item(TableName="other", Key={"pk": {"S": "c"}})


_EXPIRES = {"AttributeName": "expires", "Enabled": True}


def _denied(call: Any) -> str:
    """Why a call is refused for what the caller may not do."""
    with pytest.raises(ClientError) as caught:
        call()
    assert code_of(caught) == "AccessDeniedException"
    return str(caught.value)
