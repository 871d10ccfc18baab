"""Functions of a container image. The scanner's runs as a process of this machine, without Docker.

It has the image's handler and package, with the machine's Python and clamd. Other tests are about the image itself.
"""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Callable
from typing import Any

from emulator import settings
from emulator.extension import upstream

MODULE = "services.lambda_svc"
PACKAGE = "mailroom"
RUNNABLE = frozenset({"mailroom.functions.scanner.on_event"})
"""Handlers to run. The mirror's is left out, because it would ask a server on the internet."""


def install() -> None:
    """Run these handlers in the place of ministack's call of Docker."""
    upstream.replace(MODULE, "_execute_function_docker", _as_process)


def _as_process(original: Callable[..., Any]) -> Callable[..., Any]:
    warm = upstream.attribute(MODULE, "_execute_function_warm")

    def execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
        config = function.get("config") or function
        command = config.get("ImageConfigResponse", {}).get("ImageConfig", {}).get("Command", [])
        if not command or command[0] not in RUNNABLE:
            return original(function, event, request_id)
        standing_in = {**config, "Runtime": "python3.13", "Handler": command[0], "PackageType": "Zip"}
        return warm({**function, "config": standing_in, "code_zip": _package()}, event, request_id)

    return execute


@functools.cache
def _package() -> bytes:
    """The package, in the image's form."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted((settings.PROJECT / PACKAGE).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(settings.PROJECT))
    return out.getvalue()
