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

    @property
    def simulation(self) -> dict[str, Any]:
        """As the evaluator takes it."""
        made: dict[str, Any] = {
            "request": {
                "principal": self.principal,
                "action": self.action,
                "resource": {"resource": self.resource, "accountId": ACCOUNT},
                "contextVariables": {"aws:SecureTransport": "true", **self.context},
            },
            "identityPolicies": [{"name": str(n), "policy": policy} for n, policy in enumerate(self.identity)],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }
        if self.resource_policy is not None:
            made["resourcePolicy"] = self.resource_policy
        text = _ENCRYPTION_CONTEXT.sub(_with_slash, json.dumps(made, sort_keys=True))
        named: dict[str, Any] = json.loads(text)
        return named


def _with_slash(found: re.Match[str]) -> str:
    """A key that it knows, with the same value."""
    return f"aws:PrincipalTag/EncryptionContext-{found[1].replace(':', '-')}"


_ANSWERS: dict[str, bool] = {}
"""By request: tests that change one policy ask all the rest again."""


def decisions(requests: Sequence[Request]) -> list[bool]:
    """Whether each is allowed.

    Raises:
        RuntimeError: the evaluator does not understand one of them, and says which.
    """
    asked = [json.dumps(request.simulation, sort_keys=True) for request in requests]
    if new := [each for each in dict.fromkeys(asked) if each not in _ANSWERS]:
        _ANSWERS.update(zip(new, _evaluated(new), strict=True))
    return [_ANSWERS[each] for each in asked]


def _evaluated(simulations: Sequence[str]) -> list[bool]:
    evaluator = _evaluator()
    assert evaluator.stdin is not None
    assert evaluator.stdout is not None
    evaluator.stdin.write(f"[{','.join(simulations)}]\n")
    evaluator.stdin.flush()
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
