"""Limits of policies, which ministack lacks: the sum of a role's inline policies, and a bucket's policy.

Source: IAM user guide, "IAM and STS quotas": 10,240 characters without white space; S3 user guide, "Bucket policies": 20 KB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from emulator.extension import upstream

HANDLERS: Final = "services.cloudformation.provisioners"
MOST_INLINE: Final = 10_240
MOST_OF_A_BUCKET: Final = 20 * 1024


def install() -> None:
    """Check sizes before CloudFormation makes or changes a role or a bucket policy."""
    known = upstream.attribute(HANDLERS, "_RESOURCE_HANDLERS")
    for name, refusals in (
        ("AWS::IAM::Role", _of_role),
        ("AWS::IAM::Policy", _of_policy),
        ("AWS::S3::BucketPolicy", _of_bucket),
    ):
        handlers = known[name]
        known[name] = {
            **handlers,
            "create": _checked(handlers["create"], 1, refusals),
            "update": _checked(handlers["update"], 2, refusals),
        }


def _checked(
    handler: Callable[..., Any], place: int, refusals: Callable[[upstream.Properties], Iterator[str]]
) -> Callable[..., Any]:
    """The handler, after a check of the properties at this place of its arguments."""

    def run(*args: Any, **kwargs: Any) -> Any:
        for refusal in refusals(args[place]):
            raise ValueError(refusal)
        return handler(*args, **kwargs)

    return run


def _of_role(properties: upstream.Properties) -> Iterator[str]:
    total = sum(_size(one.get("PolicyDocument", {})) for one in properties.get("Policies") or ())
    yield from _inline(str(properties.get("RoleName", "")), total)


def _of_policy(properties: upstream.Properties) -> Iterator[str]:
    roles = upstream.attribute("services.iam", "_roles")
    for name in properties.get("Roles") or ():
        others = {**roles.get(name, {}).get("InlinePolicies", {}), properties.get("PolicyName"): None}
        total = _size(properties.get("PolicyDocument", {})) + sum(
            _size(one) for one in others.values() if one is not None
        )
        yield from _inline(name, total)


def _inline(role: str, total: int) -> Iterator[str]:
    if total > MOST_INLINE:
        yield f"Maximum policy size of {MOST_INLINE} bytes exceeded for role {role}"


def _of_bucket(properties: upstream.Properties) -> Iterator[str]:
    if _size(properties.get("PolicyDocument", {})) > MOST_OF_A_BUCKET:
        yield "Policy exceeds the maximum allowed document size"


def _size(document: Any) -> int:
    parsed = json.loads(document) if isinstance(document, str) else document
    return len(json.dumps(parsed, separators=(",", ":"), ensure_ascii=False).encode())
