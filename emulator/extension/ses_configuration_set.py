"""Configuration sets and their event destinations.

Ministack has both CloudFormation types, with options and tags. It accepts a name twice, the deletion of a set with an SES tenant,
and event destinations that do not exist. SES refuses all of these.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from emulator.extension import upstream
from emulator.extension.upstream import Properties, Provisioned

SET = "AWS::SES::ConfigurationSet"
DESTINATION = "AWS::SES::ConfigurationSetEventDestination"
OPTIONS = ("Archiving", "Delivery", "Reputation", "Sending", "Suppression", "Tracking", "Vdm")


def install() -> None:
    """Put the checks before ministack's own handlers."""
    sets = upstream.handlers(SET)
    upstream.register(
        upstream.ResourceType(
            name=SET,
            properties=frozenset({"Name", "Tags", *(f"{option}Options" for option in OPTIONS)}),
            create=lambda logical_id, properties, stack_name: _create(sets, logical_id, properties, stack_name),
            update=lambda physical_id, old, new: sets["update"](physical_id, old, new, ""),
            delete=_delete,
            replacing=("Name",),
            tags="Tags",
        )
    )
    destinations = upstream.handlers(DESTINATION)

    def create_destination(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        _check(properties)
        made: Provisioned = destinations["create"](logical_id, properties, stack_name)
        return made

    def update_destination(physical_id: str, old: Properties, new: Properties) -> Provisioned:
        _check(new)
        made: Provisioned = destinations["update"](physical_id, old, new, "")
        return made

    upstream.register(
        upstream.ResourceType(
            name=DESTINATION,
            properties=frozenset({"ConfigurationSetName", "EventDestination"}),
            create=create_destination,
            update=update_destination,
            delete=destinations["delete"],
            replacing=("ConfigurationSetName",),
        )
    )


def _create(sets: dict[str, Any], logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    name = properties.get("Name")
    if name in upstream.client("sesv2").list_configuration_sets().get("ConfigurationSets", []):
        raise ValueError(f"Configuration set <{name}> already exists. (AlreadyExistsException)")
    made: Provisioned = sets["create"](logical_id, properties, stack_name)
    return made


def _delete(physical_id: str, _properties: Properties) -> None:
    upstream.client("sesv2").delete_configuration_set(ConfigurationSetName=physical_id)
    upstream.attribute("services.ses", "_configuration_sets").pop(physical_id, None)  # the v1 API's list


def _check(properties: Properties) -> None:
    destination = properties.get("EventDestination") or {}
    upstream.client("sesv2").get_configuration_set(ConfigurationSetName=properties["ConfigurationSetName"])
    if topic := (destination.get("SnsDestination") or {}).get("TopicARN"):
        try:
            upstream.client("sns").get_topic_attributes(TopicArn=topic)
        except ClientError as error:
            raise ValueError(f"SNS topic <{topic}> not found. (BadRequestException)") from error
    if bus := (destination.get("EventBridgeDestination") or {}).get("EventBusArn"):
        default = f"arn:aws:events:{upstream.region()}:{upstream.account()}:event-bus/default"
        if bus != default:
            raise ValueError(f"Only the default event bus is supported, got <{bus}>. (BadRequestException)")
