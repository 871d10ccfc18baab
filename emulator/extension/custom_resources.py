"""Custom resources: a limit of the wait for a function that does not answer.

CloudFormation waits an hour by default, and so does ministack. A function that crashes here, for want of a module that
AWS's runtime has, would hold a test that long.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

from emulator.extension import upstream

MODULE = "services.cloudformation.custom_resource"
WAIT_SECONDS = 60


def install() -> None:
    """Limit every wait for an answer, with an error at its end."""
    upstream.replace(MODULE, "register_token", lambda original: lambda token: _bounded(original(token)))
    upstream.replace(MODULE, "invoke_custom_resource", _explained)


def _bounded(answered: Event) -> Event:
    wait = answered.wait

    def wait_no_longer(timeout: float | None = None) -> bool:
        return wait(WAIT_SECONDS if timeout is None else min(timeout, WAIT_SECONDS))

    answered.wait = wait_no_longer  # type: ignore[method-assign]  # ministack holds this very object
    return answered


def _explained(original: Callable[..., Any]) -> Callable[..., Any]:
    def invoke(request_type: str, logical_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(request_type, logical_id, *args, **kwargs)
        except TimeoutError as error:
            raise TimeoutError(
                f"custom resource {logical_id}: its function did not answer the {request_type} request; "
                "the emulator's log says why"
            ) from error

    return invoke
