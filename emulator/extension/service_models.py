"""AWS's own descriptions of its services, from which ministack has the types of its answers: read once, with one session."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from emulator.extension import upstream

MODULE = "core.responses"


def install() -> None:
    """Spare each service a session of its own, which looks for all services again."""
    upstream.replace(MODULE, "_service_model", _shared)


def _shared(original: Callable[..., Any]) -> Callable[..., Any]:
    names = upstream.attribute(MODULE, "_BOTOCORE_NAME")

    @functools.cache
    def model(service: str) -> Any:
        name = names.get(service, service)
        session = upstream.botocore_session()
        return session.get_service_model(name) if name in session.get_available_services() else original(service)

    return model
