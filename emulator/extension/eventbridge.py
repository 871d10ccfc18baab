"""EventBridge's targets: the input of a target, and the queues' permissions for it.

Ministack reads paths without array indices and accepts templates that EventBridge refuses. It delivers to queues whose policy
allows no sender, also where policies are enforced, and it has no dead-letter queues.

Source: EventBridge user guide, "Amazon EventBridge input transformation", "Using resource-based policies" and "Using dead-letter
queues to process undelivered events"; where the first leaves room, LocalStack's snapshots of AWS's answers (test_events_inputs).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from emulator.extension import kms, upstream

EVENTS, SQS = "services.eventbridge", "services.sqs"
RULE: Final = "AWS::Events::Rule"
SERVICE: Final = "events.amazonaws.com"
MOST_VARIABLES, MOST_TEMPLATE = 100, 8192
RESERVED: Final = (
    "aws.events.event",
    "aws.events.event.ingestion-time",
    "aws.events.event.json",
    "aws.events.rule-arn",
    "aws.events.rule-name",
)
_KEY: Final = r"[\w/-]+"
_INDEX: Final = r"\[(?:\d+|\*)\]"
_PATH: Final = re.compile(rf"\$(?:\.(?:{_KEY}|\*)(?:{_INDEX})*)*")
_STEP: Final = re.compile(rf"\.(?P<key>{_KEY}|\*)|\[(?P<index>\d+|\*)\]")
_PLACEHOLDER: Final = re.compile(r"<([^<>]*)>")
_INPUTS: Final = ("Input", "InputPath", "InputTransformer")


def install() -> None:
    """Replace ministack's input transformer, and add checks of rules and deliveries."""
    upstream.replace(EVENTS, "_apply_input_transformer", lambda _original: transformed)
    upstream.replace(EVENTS, "_invoke_target", _with_paths)
    upstream.replace(EVENTS, "_invoke_target", _with_policies)
    upstream.replace(EVENTS, "_validate_target_arn", _with_inputs)
    provisioners = upstream.attribute("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    provisioners[RULE] = {**provisioners[RULE], "create": _with_checks(provisioners[RULE]["create"])}


def put(source: str, detail_type: str, detail: Mapping[str, Any], resources: list[str]) -> None:
    """Put an event of AWS's own on the default bus of the current account and region."""
    upstream.attribute(EVENTS, "_ensure_default_bus")()
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
    upstream.attribute(EVENTS, "_put_events")({"Entries": [entry]}, allow_aws_source=True)


# The input


def transformed(transformer: dict[str, Any], rule: dict[str, Any], view: Any) -> str:
    """A target's input, made of an event.

    A string in the place of a JSON value is quoted and escaped; any other value is written as JSON. Within a string of the
    template, no value is escaped. A path without a value gives no text, or an empty string in the place of a value.
    """
    event = view.event_with_detail()
    paths = transformer.get("InputPathsMap") or {}
    variables = {name: next(resolved(path, event), "") for name, path in paths.items()}
    own = {
        "aws.events.event": view.envelope(),
        "aws.events.event.ingestion-time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "aws.events.event.json": event,
        "aws.events.rule-arn": rule.get("Arn", ""),
        "aws.events.rule-name": rule.get("Name", ""),
    }
    text: str = upstream.attribute(EVENTS, "_render_input_template")(transformer["InputTemplate"], {**variables, **own})
    return text


def resolved(path: str, event: Any) -> Iterator[Any]:
    """The value at a path; none for a path without one.

    EventBridge's paths have dots, letters, digits, `-`, `_` and `/` in keys, array indices and `*`. Other paths, such as those with
    a colon in a key, have no value.
    """
    if not _PATH.fullmatch(path):
        return
    steps = [found["key"] if found["key"] is not None else f"[{found['index']}" for found in _STEP.finditer(path)]
    try:
        yield _walk(event, steps)
    except (KeyError, IndexError):
        return


def _with_paths(original: Callable[..., None]) -> Callable[..., None]:
    """InputPath with the same paths."""

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        if path := target.get("InputPath"):
            view = view or upstream.attribute(EVENTS, "_pattern_event_view")(event)
            for value in resolved(path, view.event_with_detail()):
                target = {**target, "InputPath": "", "Input": json.dumps(value)}
        original(target, event, rule, view)

    return invoke


def _walk(value: Any, steps: list[str]) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if step in {"*", "[*"}:
        values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        return [found for each in values for found in _each(each, rest)]
    if step.startswith("["):
        if not isinstance(value, list):
            raise KeyError(step)
        return _walk(value[int(step[1:])], rest)
    if not isinstance(value, dict):
        raise KeyError(step)
    return _walk(value[step], rest)


def _each(value: Any, steps: list[str]) -> Iterator[Any]:
    try:
        yield _walk(value, steps)
    except (KeyError, IndexError):
        return


# Checks of a target


def refusal(target: dict[str, Any]) -> str | None:
    """EventBridge's reason to refuse a target's input, or None."""
    name = target.get("Id", "")
    if len([key for key in _INPUTS if target.get(key)]) > 1:
        return f"Only one of Input, InputPath, or InputTransformer must be provided for target {name}."
    transformer = target.get("InputTransformer")
    if not transformer:
        return None
    paths, template = transformer.get("InputPathsMap") or {}, transformer.get("InputTemplate") or ""
    if len(paths) > MOST_VARIABLES:
        return f"InputPathsMap for target {name} contains more than {MOST_VARIABLES} entries."
    if not 0 < len(template) <= MOST_TEMPLATE:
        return f"InputTemplate for target {name} must have 1 to {MOST_TEMPLATE} characters, has {len(template)}."
    if own := sorted(key for key in paths if key.lower().startswith("aws.")):
        return f"InputPathsMap for target {name} contains a reserved key {own[0]}."
    unknown = [key for key in _PLACEHOLDER.findall(template) if key not in paths and key not in RESERVED]
    return f"InputTemplate for target {name} contains invalid placeholder {unknown[0]}." if unknown else None


def _with_inputs(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def check(target: dict[str, Any]) -> Any:
        if reason := refusal(target):
            return upstream.attribute("core.responses", "error_response_json")("ValidationException", reason, 400)
        return original(target)

    return check


def _with_checks(create: Callable[..., Any]) -> Callable[..., Any]:
    """CloudFormation's rules with the API's checks of targets and patterns, which ministack leaves out."""

    def checked(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        pattern = properties.get("EventPattern") or ""
        text = json.dumps(pattern) if isinstance(pattern, dict) else pattern
        schedule = properties.get("ScheduleExpression") or ""
        if not text and not schedule:
            raise ValueError("Parameter(s) EventPattern or ScheduleExpression must be specified. (ValidationException)")
        if reason := upstream.attribute(EVENTS, "_event_pattern_error")(text):
            raise ValueError(f"Event pattern is not valid. Reason: {reason} (InvalidEventPatternException)")
        if not upstream.attribute(EVENTS, "_validate_schedule_expression")(schedule):
            raise ValueError("Parameter ScheduleExpression is not valid. (ValidationException)")
        for target in properties.get("Targets") or []:
            if error := upstream.attribute(EVENTS, "_validate_target_arn")(target):
                raise ValueError(f"AWS::Events::Rule target {target.get('Id')}: {error[2]!r}")
        return create(logical_id, properties, stack_name)

    return checked


# Queues' permissions


def _with_policies(original: Callable[..., None]) -> Callable[..., None]:
    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        queue, rule_arn = target.get("Arn", ""), rule.get("Arn", "")
        if not queue.startswith("arn:aws:sqs:") or _may_send(queue, rule_arn):
            original(target, event, rule, view)
            return
        dead = (target.get("DeadLetterConfig") or {}).get("Arn", "")
        if dead and _may_send(dead, rule_arn):
            # As it was: what is in a dead-letter queue has gone through no transformer.
            original({"Id": target.get("Id"), "Arn": dead}, event, rule, view)

    return invoke


def _may_send(queue: str, rule_arn: str) -> bool:
    """Whether queue and key let EventBridge send for a rule; True if policies are not enforced."""
    if not upstream.attribute("app", "AUTH"):
        return True
    found = upstream.attribute(SQS, "_queue_by_arn")(queue)
    if found is None:
        return False
    policy = found["attributes"].get("Policy")
    lets = upstream.service_may(SERVICE, policy, "sqs:SendMessage", queue, rule_arn)
    return lets and kms.service_may_use(SERVICE, queue, rule_arn)
