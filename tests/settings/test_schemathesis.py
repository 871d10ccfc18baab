"""Requests that the OpenAPI document allows, and others, to the API in any order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from email_stack.settings.local import LocalServer
from tests.settings.conftest import Client

pytestmark = [pytest.mark.servers, pytest.mark.thorough]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)


def test_the_document_is_kept(server: LocalServer, client: Client, tmp_path: Path) -> None:
    """Every operation is asked; no 5xx, each status and body as documented, nothing without a token, nothing once it is deleted."""
    command = [str(Path(sys.executable).with_name("st")), "run", f"{server.url}/openapi.json"]
    options = {
        "header": f"Authorization: Bearer {client.token}",
        "checks": ",".join(CHECKS),
        "phases": "examples,coverage,fuzzing,stateful",
        "max-examples": "10",
        "request-timeout": "30",
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [*command, "--generation-deterministic", "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "17 selected / 17 total" in done.stdout
