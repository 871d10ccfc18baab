"""CloudFormation's events about a stack on EventBridge, for all rules, including the stack's own.

Source: CloudFormation user guide, "Managing events with CloudFormation and Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emulator.extension import eventbridge, upstream

ENGINE: Final = "services.cloudformation.stacks"
CALLERS: Final = (ENGINE, "services.cloudformation.handlers", "services.cloudformation.changesets")
STACK: Final = "AWS::CloudFormation::Stack"


def install() -> None:
    """Publish an event for each change of a stack's state in ministack."""
    for module in CALLERS:
        upstream.replace(module, "_add_event", _with_status_changes)


def _with_status_changes(original: Callable[..., None]) -> Callable[..., None]:
    def add(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str, *more: Any, **named: Any
    ) -> None:
        original(stack_id, stack_name, logical_id, resource_type, status, *more, **named)
        # A stack within a stack is noted in the outer one as well, by its logical id.
        if resource_type == STACK and logical_id == stack_name:
            detail = {
                "stack-id": stack_id,
                "status-details": {"status": status, "status-reason": more[0] if more else named.get("reason", "")},
                "client-request-token": upstream.attribute(ENGINE, "CLIENT_REQUEST_TOKEN").get(),
            }
            eventbridge.put("aws.cloudformation", "CloudFormation Stack Status Change", detail, [stack_id])

    return add
