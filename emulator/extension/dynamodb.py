"""Tables: made, changed and deleted through the DynamoDB API, which has properties that ministack's CloudFormation drops.

Ministack's own handler writes a table straight into its store: expiry, point-in-time recovery, encryption, the table's
class, its policy and the protection against deletion are lost, and a stack with a wrong index passes. Here the table is described,
and what differs from the template is sent to the API, in its shapes. An update that is refused half way is taken back.

Source: CloudFormation template reference, AWS::DynamoDB::Table; DynamoDB API reference, UpdateTable, UpdateTimeToLive.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from emulator.extension import upstream
from emulator.extension.upstream import Properties, Provisioned

TABLE = "AWS::DynamoDB::Table"
ON_DEMAND = "PAY_PER_REQUEST"
NOT_EMULATED = (
    "ContributorInsightsSpecification",
    "ImportSourceSpecification",
    "KinesisStreamSpecification",
    "VectorIndexes",
    "WarmThroughput",
)
NOT_EMULATED_WITHIN = {
    "GlobalSecondaryIndexes": ("ContributorInsightsSpecification", "OnDemandThroughput", "WarmThroughput"),
    "PointInTimeRecoverySpecification": ("RecoveryPeriodInDays",),
    "StreamSpecification": ("ResourcePolicy",),
}

Change = dict[str, Any]  # the arguments of one UpdateTable


def install() -> None:
    """Put the DynamoDB API behind CloudFormation's tables."""
    own = upstream.handlers(TABLE)
    upstream.register(
        upstream.ResourceType(
            name=TABLE,
            properties=frozenset((*REQUEST, *NOT_EMULATED, *SWITCHES, "TableName")),
            create=_create,
            update=_update,
            delete=_delete,
            replacing=("ImportSourceSpecification", "KeySchema", "TableName"),
            tags="Tags",
        )
    )
    upstream.attribute("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")[TABLE]["import"] = own["import"]
    for module in ("provisioners", "stacks"):
        upstream.replace(f"services.cloudformation.{module}", "_replacing_change", _with_types)


def _with_types(original: Callable[..., bool]) -> Callable[..., bool]:
    """A new type of an attribute makes a new table, with or without a name in the template."""
    retyped = upstream.attribute("services.cloudformation.provisioners", "_requires_replacement_dynamodb")

    def replacing(resource_type: str, old: Properties, new: Properties) -> bool:
        return original(resource_type, old, new) or (resource_type == TABLE and bool(retyped(old, new)))

    return replacing


def _create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    _check(properties)
    name = properties.get("TableName") or upstream.generated_name(stack_name, logical_id, 255)
    request = {prop: convert(properties[prop]) for prop, convert in REQUEST.items() if prop in properties}
    upstream.client("dynamodb").create_table(TableName=name, **request)
    try:
        _switch(name, properties)
    except Exception:
        _delete(name, {})
        raise
    return name, _attributes(name)


def _update(physical_id: str, old: Properties, new: Properties) -> Provisioned:
    _check(new)
    if old.get("LocalSecondaryIndexes") != new.get("LocalSecondaryIndexes"):
        raise ValueError(f"{TABLE}: LocalSecondaryIndexes of a table that exists cannot be changed")
    try:
        _apply(physical_id, old, new)
    except Exception:
        _apply(physical_id, new, old)  # CloudFormation trusts a handler that fails to have changed nothing
        raise
    return physical_id, _attributes(physical_id)


def _delete(physical_id: str, _properties: Properties) -> None:
    try:
        upstream.client("dynamodb").delete_table(TableName=physical_id)
    except ClientError as error:
        if not upstream.gone(error, "ResourceNotFoundException"):
            raise


def _check(properties: Properties) -> None:
    missing = sorted(properties.keys() & set(NOT_EMULATED))
    for prop, names in NOT_EMULATED_WITHIN.items():
        given = properties.get(prop) or []
        for part in given if isinstance(given, list) else [given]:
            missing += [f"{prop}.{name}" for name in names if name in part]
    if missing:
        raise ValueError(f"{TABLE}: {missing[0]} is not emulated")
    if _billing(properties) != ON_DEMAND and "ProvisionedThroughput" not in properties:
        raise ValueError(f"{TABLE}: ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    defined = {each["AttributeName"] for each in properties.get("AttributeDefinitions", [])}
    keys = list(properties.get("KeySchema", []))
    for prop in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        keys += [key for index in properties.get(prop, []) for key in index["KeySchema"]]
    if defined != {key["AttributeName"] for key in keys}:
        reason = "is inconsistent with the KeySchema of the table and the secondary indexes"
        raise ValueError(f"{TABLE}: Property AttributeDefinitions {reason}")


def _attributes(name: str) -> dict[str, Any]:
    table = _described(name)
    attributes = {"Arn": table["TableArn"]}
    if _view(table):
        attributes["StreamArn"] = table["LatestStreamArn"]
    return attributes


def _described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = upstream.client("dynamodb").describe_table(TableName=name)["Table"]
    return found


def _apply(name: str, old: Properties, new: Properties) -> None:
    dynamodb = upstream.client("dynamodb")
    table = _described(name)
    changes = [change for of in CHANGES for change in of(table, new)]  # all refusals of ours come before the first call
    for change in changes:
        dynamodb.update_table(TableName=name, **change)
    _switch(name, new)
    before, after = ({tag["Key"]: tag["Value"] for tag in each.get("Tags", [])} for each in (old, new))
    if dropped := sorted(before.keys() - after.keys()):
        dynamodb.untag_resource(ResourceArn=table["TableArn"], TagKeys=dropped)
    if before != after and after:
        tags = [{"Key": key, "Value": value} for key, value in after.items()]
        dynamodb.tag_resource(ResourceArn=table["TableArn"], Tags=tags)


def _switch(name: str, properties: Properties) -> None:
    """Set properties with a call of their own. Protection comes last, because a failed creation deletes the table."""
    dynamodb = upstream.client("dynamodb")
    wanted = properties.get("TimeToLiveSpecification") or {}
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    on = expiry["TimeToLiveStatus"] == "ENABLED"
    if on != upstream.flag(wanted.get("Enabled", False)):
        specification = {"Enabled": not on, "AttributeName": wanted.get("AttributeName") or expiry.get("AttributeName")}
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    elif on and wanted.get("AttributeName") != expiry["AttributeName"]:
        current = f"current AttributeName is {expiry['AttributeName']}"
        raise ValueError(f"{TABLE}: TimeToLive is active on a different AttributeName: {current}")
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = "PointInTimeRecoveryEnabled"
    on = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    if on != upstream.flag((properties.get("PointInTimeRecoverySpecification") or {}).get(recovery, False)):
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={recovery: not on})
    arn = _described(name)["TableArn"]
    document = (properties.get("ResourcePolicy") or {}).get("PolicyDocument")
    if document is not None:
        text = document if isinstance(document, str) else json.dumps(document)
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=text)
    else:
        dynamodb.delete_resource_policy(ResourceArn=arn)
    protected = upstream.flag(properties.get("DeletionProtectionEnabled", False))
    if protected != _described(name)["DeletionProtectionEnabled"]:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=protected)


def _of_capacity(table: dict[str, Any], new: Properties) -> Iterator[Change]:
    change: Change = {}
    billing = _billing(new)
    if billing != _billing(table.get("BillingModeSummary", {})):
        change["BillingMode"] = billing
    if _units(new) != _units(table) and "ProvisionedThroughput" in new:
        change["ProvisionedThroughput"] = _units(new)
    limits = _limits(new.get("OnDemandThroughput", {}))
    if limits != _limits(table.get("OnDemandThroughput", {})):
        change["OnDemandThroughput"] = limits
    given = {index["IndexName"]: index for index in new.get("GlobalSecondaryIndexes", [])}
    for index in table.get("GlobalSecondaryIndexes", []):
        name = index["IndexName"]
        wanted = given.get(name, {})
        if "ProvisionedThroughput" in wanted and _units(wanted) != _units(index):
            update = {"IndexName": name, "ProvisionedThroughput": _units(wanted)}
            change.setdefault("GlobalSecondaryIndexUpdates", []).append({"Update": update})
    if change:
        yield change


def _of_indexes(table: dict[str, Any], new: Properties) -> Iterator[Change]:
    held = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    wanted = {index["IndexName"]: index for index in new.get("GlobalSecondaryIndexes", [])}
    if len(held.keys() ^ wanted.keys()) > 1:
        raise ValueError(f"{TABLE}: Cannot perform more than one GSI creation or deletion in a single update")
    for name in held.keys() & wanted.keys():
        if _shape(held[name]) != _shape(wanted[name]):
            raise ValueError(
                f"{TABLE}: Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights "
                f"Specification. You can create a new GSI with a different name, got a change of {name}"
            )
    for name in held.keys() - wanted.keys():
        yield {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
    for name in wanted.keys() - held.keys():
        yield {
            "AttributeDefinitions": new["AttributeDefinitions"],
            "GlobalSecondaryIndexUpdates": [{"Create": _index(wanted[name])}],
        }


def _of_stream(table: dict[str, Any], new: Properties) -> Iterator[Change]:
    held, wanted = _view(table), (new.get("StreamSpecification") or {}).get("StreamViewType")
    if held == wanted:
        return
    if held and wanted:
        raise ValueError(f"{TABLE}: a change of StreamViewType is not emulated; drop the stream first")
    yield {"StreamSpecification": _stream({"StreamViewType": wanted}) if wanted else {"StreamEnabled": False}}


def _of_encryption(table: dict[str, Any], new: Properties) -> Iterator[Change]:
    held = table.get("SSEDescription", {})
    wanted = _encryption(new.get("SSESpecification") or {"SSEEnabled": False})
    on = held.get("Status") == "ENABLED"
    key = held.get("KMSMasterKeyArn") if not str(held.get("KMSMasterKeyArn")).endswith(":alias/aws/dynamodb") else None
    if wanted["Enabled"] != on or (on and wanted.get("KMSMasterKeyId") != key):
        yield {"SSESpecification": wanted}


def _of_class(table: dict[str, Any], new: Properties) -> Iterator[Change]:
    wanted = new.get("TableClass", "STANDARD")
    if wanted != table.get("TableClassSummary", {}).get("TableClass", "STANDARD"):
        yield {"TableClass": wanted}


def _billing(given: dict[str, Any]) -> str:
    return str(given.get("BillingMode", "PROVISIONED"))


def _view(table: dict[str, Any]) -> str | None:
    stream = table.get("StreamSpecification") or {}
    return stream.get("StreamViewType") if stream.get("StreamEnabled") else None


def _units(given: dict[str, Any]) -> dict[str, int]:
    throughput = given.get("ProvisionedThroughput") or {}
    return {key: int(throughput.get(key, 0)) for key in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _limits(given: dict[str, Any]) -> dict[str, int]:
    return {key: int(given.get(key, -1)) for key in ("MaxReadRequestUnits", "MaxWriteRequestUnits")}


def _shape(index: dict[str, Any]) -> tuple[Any, ...]:
    projection = index.get("Projection", {})
    return index["KeySchema"], projection.get("ProjectionType", "ALL"), sorted(projection.get("NonKeyAttributes", []))


def _index(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "ProvisionedThroughput": _units(given)} if "ProvisionedThroughput" in given else given


def _stream(given: dict[str, Any]) -> dict[str, Any]:
    return {"StreamEnabled": True, **given}


def _encryption(given: dict[str, Any]) -> dict[str, Any]:
    """SSESpecification in the API's form. The key must exist, as for DynamoDB."""
    request: dict[str, Any] = {"Enabled": upstream.flag(given["SSEEnabled"])}
    if "SSEType" in given:
        request["SSEType"] = given["SSEType"]
    if "KMSMasterKeyId" in given:
        found = upstream.client("kms").describe_key(KeyId=given["KMSMasterKeyId"])
        request["KMSMasterKeyId"] = found["KeyMetadata"]["Arn"]
    return request


def _as_it_is(value: Any) -> Any:
    return value


# CreateTable's parameters and their shapes.
REQUEST: dict[str, Callable[[Any], Any]] = {
    "AttributeDefinitions": _as_it_is,
    "BillingMode": _as_it_is,
    "GlobalSecondaryIndexes": lambda value: [_index(index) for index in value],
    "KeySchema": _as_it_is,
    "LocalSecondaryIndexes": _as_it_is,
    "OnDemandThroughput": _limits,
    "ProvisionedThroughput": lambda value: _units({"ProvisionedThroughput": value}),
    "SSESpecification": _encryption,
    "StreamSpecification": _stream,
    "TableClass": _as_it_is,
    "Tags": _as_it_is,
}
SWITCHES = (
    "DeletionProtectionEnabled",
    "PointInTimeRecoverySpecification",
    "ResourcePolicy",
    "TimeToLiveSpecification",
)
CHANGES = (_of_capacity, _of_indexes, _of_stream, _of_encryption, _of_class)
