"""Topics: the attributes that ministack's CloudFormation drops, its key among them."""

from __future__ import annotations

import json
from typing import Any

from emulator.extension import upstream
from emulator.extension.upstream import Properties, Provisioned

TOPIC = "AWS::SNS::Topic"
ATTRIBUTES = ("DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
BY_MINISTACK = ("DisplayName", "Subscription", "Tags", "TopicName")


def install() -> None:
    """Put the missing attributes behind ministack's own handlers."""
    own = upstream.handlers(TOPIC)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        made: Provisioned = own["create"](logical_id, properties, stack_name)
        _apply(made[0], {}, properties)
        return made

    def update(physical_id: str, old: Properties, new: Properties) -> Provisioned:
        # With its present name, because ministack would generate a new one from the logical id.
        named = {"TopicName": physical_id.rpartition(":")[2]}
        made: Provisioned = own["update"](physical_id, {**old, **named}, {**new, **named}, "")
        _apply(physical_id, old, new)
        return made

    upstream.register(
        upstream.ResourceType(
            name=TOPIC,
            properties=frozenset((*ATTRIBUTES, *BY_MINISTACK)),
            create=create,
            update=update,
            delete=own["delete"],
            replacing=("TopicName",),
            tags="Tags",
        )
    )


def _apply(arn: str, old: Properties, new: Properties) -> None:
    for name in ATTRIBUTES:
        before, after = _value(old, name), _value(new, name)
        if before != after:
            upstream.client("sns").set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=after)


def _value(properties: Properties, name: str) -> str:
    value: Any = properties.get(name, "")
    return json.dumps(value) if isinstance(value, dict) else str(value)
