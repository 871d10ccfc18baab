"""A real evaluator of IAM policies, asked about many requests at once."""

from __future__ import annotations

import atexit
import functools
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from email_stack.synthesis.toolchain import node_executable

__all__ = ["ACCOUNT", "Request", "decisions"]

ACCOUNT = "111111111111"
_SCRIPT = Path(__file__).with_name("evaluate.mjs")
_ENCRYPTION_CONTEXT = re.compile(r"kms:EncryptionContext:([A-Za-z0-9:]+)")
"""The evaluator knows of keys with a variable part only those with a slash, and leaves the others out of the request."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request: principal, action, resource, and the policies that decide on it.

    Args:
        principal: ARN of a role's session, or a service.
        action: such as "s3:GetObject".
        resource: ARN.
        identity: the principal's own policies.
        resource_policy: of the resource. Default: it has none.
        context: condition keys.
    """

    principal: str
    action: str
    resource: str
    identity: Sequence[Mapping[str, Any]] = ()
    resource_policy: Mapping[str, Any] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


def _with_slash(found: re.Match[str]) -> str:
    """A key that it knows, with the same value."""
    return f"aws:PrincipalTag/EncryptionContext-{found[1].replace(':', '-')}"


_ANSWERS: dict[str, bool] = {}
"""By request as it is sent: tests that change one policy ask all the rest again."""

_NUMBERS: dict[str, int] = {}
"""Of policies as they are sent."""

_SENT: list[str] = []
"""Policies that the evaluator has, by their numbers."""


def decisions(requests: Sequence[Request]) -> list[bool]:
    """Whether each is allowed.

    Raises:
        RuntimeError: the evaluator does not understand one of them, and says which.
    """
    asked = _written(requests)
    if new := [each for each in dict.fromkeys(asked) if each not in _ANSWERS]:
        _ANSWERS.update(zip(new, _evaluated(new), strict=True))
    return [_ANSWERS[each] for each in asked]


def _written(requests: Sequence[Request]) -> list[str]:
    """As the evaluator takes each: its policies by their numbers."""
    # Requests of one call share most of their policies, which stay as they are meanwhile.
    numbers: dict[int, int] = {}

    def number(policy: Mapping[str, Any]) -> int:
        if id(policy) not in numbers:
            numbers[id(policy)] = _NUMBERS.setdefault(_with_slashes(policy), len(_NUMBERS))
        return numbers[id(policy)]

    def written(one: Request) -> str:
        identity = [number(policy) for policy in one.identity]
        resource_policy = "null" if one.resource_policy is None else number(one.resource_policy)
        context = _with_slashes({"aws:SecureTransport": "true", **one.context})
        principal, action, resource = map(json.dumps, (one.principal, one.action, one.resource))
        return (
            f'{{"identity": {identity}, "resourcePolicy": {resource_policy}, "request": {{"principal": {principal}, '
            f'"action": {action}, "resource": {{"resource": {resource}, "accountId": "{ACCOUNT}"}}, '
            f'"contextVariables": {context}}}}}'
        )

    return [written(one) for one in requests]


def _with_slashes(value: Any) -> str:
    return _ENCRYPTION_CONTEXT.sub(_with_slash, json.dumps(value, sort_keys=True))


def _evaluated(requests: Sequence[str]) -> list[bool]:
    evaluator = _evaluator()
    assert evaluator.stdin is not None
    assert evaluator.stdout is not None
    added = list(_NUMBERS)[len(_SENT) :]
    evaluator.stdin.write(f'{{"added": [{",".join(added)}], "requests": [{",".join(requests)}]}}\n')
    evaluator.stdin.flush()
    _SENT.extend(added)
    said: dict[str, Any] = json.loads(evaluator.stdout.readline() or '{"error": "it ended"}')
    if "error" in said:
        raise RuntimeError(said["error"][-3000:])
    return [answer == "Allowed" for answer in said["answers"]]


@functools.cache
def _evaluator() -> subprocess.Popen[str]:
    """One process for all: its start costs more than a thousand answers."""
    started = subprocess.Popen(
        [str(node_executable()), str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )

    def end() -> None:
        with started:  # closes its input, which ends it
            pass

    atexit.register(end)
    return started
