"""Memory of functions: the account's quota. A new account has a smaller one than the documented limit.

Source: Lambda developer guide, "Lambda quotas": "New AWS accounts have reduced concurrency and memory quotas". Lambda's error is in
awslabs/cdk-serverless-clamscan#431.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from emulator import settings
from emulator.extension import upstream

FUNCTION = "AWS::Lambda::Function"
MODULE = "services.lambda_svc"


def install() -> None:
    """Refuse more than the quota, through the API and through CloudFormation."""
    quota = int(os.environ.get(settings.FUNCTION_MEMORY, settings.FUNCTION_MEMORY_MIB))
    for name, position in (("_create_function", 0), ("_update_config", 1)):
        upstream.replace(MODULE, name, lambda original, at=position: _within(original, at, quota))  # type: ignore[misc]
    handlers = upstream.attribute("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")[FUNCTION]
    handlers["create"] = _made_within(handlers["create"], 1, quota)
    handlers["update"] = _made_within(handlers["update"], 2, quota)


def _within(original: Callable[..., Any], position: int, quota: int) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        if fault := _fault(args[position], quota):
            return upstream.attribute(MODULE, "error_response_json")("InvalidParameterValueException", fault, 400)
        return original(*args)

    return call


def _made_within(original: Callable[..., Any], position: int, quota: int) -> Callable[..., Any]:
    def make(*args: Any, **more: Any) -> Any:
        if fault := _fault(args[position], quota):
            raise ValueError(f"{fault} (Service: Lambda, Status Code: 400)")
        return original(*args, **more)

    return make


def _fault(properties: Mapping[str, Any], quota: int) -> str:
    if int(properties.get("MemorySize", 128)) <= quota:
        return ""
    return f"'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to {quota}"
