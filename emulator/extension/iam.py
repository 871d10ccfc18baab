"""Values that policies need: a batch's action, a request's repository, a session's role, an event's source, a table's policy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from emulator.extension import upstream
from emulator.extension.leading_keys import leading_keys

ACTIONS = "core.iam_actions"
EVALUATOR = "core.iam_evaluator"
SESSION = re.compile(r"arn:(?P<partition>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/[^/]+")
VARIABLE = re.compile(r"\$\{(?P<key>[\w:/-]+)\}")
TABLE = re.compile(r"arn:[^:]+:dynamodb:[^:]*:(?P<account>\d+):table/[^/]+")


def install() -> None:
    """Add values that ministack lacks, or has in another form than AWS."""
    upstream.replace(ACTIONS, "extract_iam_action", _with_batches)
    upstream.replace(ACTIONS, "extract_resource_arn", _with_repositories)
    upstream.replace(ACTIONS, "request_tag_context", _with_more_keys)
    upstream.replace(ACTIONS, "request_tag_context", _with_stacks)
    upstream.replace(EVALUATOR, "_resolve_condition_key", _with_roles)
    upstream.replace(EVALUATOR, "_resource_policy", _with_tables)
    upstream.replace(EVALUATOR, "_conditions_met", _with_variables)


def _with_batches(original: Callable[..., Any]) -> Callable[..., Any]:
    """SQS's batches need the grant of one message. SQS developer guide, "Overview of managing access in Amazon SQS"."""

    def action(service: str, *request: Any, **more: Any) -> Any:
        found = original(service, *request, **more)
        return found.removesuffix("Batch") if service == "sqs" and isinstance(found, str) else found

    return action


def _with_roles(original: Callable[..., Any]) -> Callable[..., Any]:
    """aws:PrincipalArn is the role's ARN, not the session's. IAM user guide, "AWS global condition context keys"."""

    def resolve(key: str, context: Any) -> Any:
        value = original(key, context)
        session = SESSION.fullmatch(value) if key.lower() == "aws:principalarn" and isinstance(value, str) else None
        if session is None:
            return value
        return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"

    return resolve


def _with_variables(original: Callable[..., bool]) -> Callable[..., bool]:
    """Policy variables in the values of conditions; one without a value stays as it is, and so matches nothing.

    Source: IAM user guide, "IAM policy elements: Variables and tags".
    """
    resolve = upstream.attribute(EVALUATOR, "_resolve_condition_key")

    def met(conditions: dict[str, Any], context: Any) -> bool:
        def filled(value: Any) -> Any:
            if isinstance(value, list):
                return [filled(one) for one in value]
            if not isinstance(value, str):
                return value
            return VARIABLE.sub(lambda found: str(resolve(found["key"], context) or found[0]), value)

        named = {
            operator: {key: filled(value) for key, value in keys.items()} if isinstance(keys, dict) else keys
            for operator, keys in (conditions or {}).items()
        }
        return original(named, context)

    return met


def _with_tables(original: Callable[..., tuple[Any, ...] | None]) -> Callable[..., tuple[Any, ...] | None]:
    """A table's own policy, which ministack stores but does not apply. It holds for the table's indexes as well.

    Source: DynamoDB developer guide, "Using resource-based policies".
    """

    def policy(service: str, resource_arn: str) -> tuple[Any, ...] | None:
        table = TABLE.match(resource_arn) if service == "dynamodb" else None
        if table is None:
            return original(service, resource_arn)
        found = upstream.attribute("services.dynamodb", "_resource_policies").get(table[0])
        return (found["Policy"], table["account"]) if found is not None else None

    return policy


def _with_more_keys(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The condition keys of a request, with those that ministack does not read from its body."""

    def context(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        found = original(service, action, body, parameters)
        if not action.startswith(("dynamodb:", "events:")):
            return found
        try:
            request = json.loads(body or b"{}")
            return {**found, **_sources(action, request), **leading_keys(action, request)}
        except (AttributeError, KeyError, TypeError, ValueError):
            return found

    return context


def _sources(action: str, request: dict[str, Any]) -> dict[str, Any]:
    """events:source is the source of PutEvents' entries. EventBridge user guide, "Using IAM policy conditions"."""
    if action != "events:PutEvents":
        return {}
    sources = sorted({str(entry["Source"]) for entry in request.get("Entries", [])})
    return {"events:source": sources[0] if len(sources) == 1 else sources}


def _with_stacks(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A stack's role and the URL of its template, on S3's own host. Service authorization reference, "AWS CloudFormation"."""
    region = upstream.attribute("core.responses", "get_region")

    def context(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        found = original(service, action, body, parameters)
        if service != "cloudformation":
            return found
        asked = parse_qs((body or b"").decode("utf-8", "replace"))
        if "RoleARN" in asked:
            found = {**found, "cloudformation:RoleArn": asked["RoleARN"][0]}
        if "TemplateURL" in asked:
            path = urlsplit(asked["TemplateURL"][0]).path
            found = {**found, "cloudformation:TemplateUrl": f"https://s3.{region()}.amazonaws.com{path}"}
        return found

    return context


def _with_repositories(original: Callable[..., str]) -> Callable[..., str]:
    def resource_arn(service: str, *request: Any) -> str:
        _method, _path, _headers, body, _query, region, account_id = request
        name = _repository(body) if service == "ecr" else None
        if name is not None:
            return f"arn:aws:ecr:{region}:{account_id}:repository/{name}"
        return original(service, *request)

    return resource_arn


def _repository(body: bytes) -> str | None:
    """The repository of the request."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return None
    names = request.get("repositoryNames") or [request.get("repositoryName")]
    return names[0] if len(names) == 1 and isinstance(names[0], str) else None
