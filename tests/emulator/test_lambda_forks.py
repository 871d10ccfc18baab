"""Functions' processes are forks of one that has imported their libraries, and know nothing of each other."""

from __future__ import annotations

import io
import json
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator import Emulator

from .conftest import REGION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems' libraries do not bear a fork")

HANDLER = """
import os
import sys
import time

import boto3

calls = []


def handler(event, context):
    calls.append(event)
    print("said", event)
    if event == "end":
        os._exit(3)
    if event == "wait":
        time.sleep(60)
    return {
        "parent": os.getppid(),
        "process": os.getpid(),
        "calls": len(calls),
        "own": os.environ.get("OWN"),
        "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "library": getattr(boto3, "VALUE", ""),
        "path": [one for one in sys.path if "ministack" in one],
        "main": sys.modules["__main__"].__file__,
        "folder": os.getcwd(),
    }
"""
SESSION = """
class Session:
    def __init__(self, **_):
        pass

    def client(self, *_, **__):
        pass
"""

Call = Callable[..., Any]


def code(library: str | None = None) -> bytes:
    """The function, with a boto3 of its own or without."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", HANDLER)
        if library is not None:
            archive.writestr("boto3/__init__.py", f"from boto3 import session\nVALUE = {library!r}\n")
            archive.writestr("boto3/session.py", SESSION)
    return out.getvalue()


@pytest.fixture
def call(emulator: Emulator) -> Iterator[Call]:
    """Makes a function where there is none, and has its answer."""
    lambda_ = emulator.client("lambda", REGION)
    made: dict[str, str] = {}

    def answer(name: str, event: str = "", archive: bytes | None = None) -> Any:
        if name not in made:
            made[name] = f"{name}-{uuid.uuid4().hex}"
            lambda_.create_function(
                FunctionName=made[name],
                Runtime="python3.12",
                Handler="index.handler",
                Timeout=2,
                Role="arn:aws:iam::000000000000:role/worker",
                Environment={"Variables": {"OWN": name}},
                Code={"ZipFile": archive or code()},
            )
        said = json.loads(lambda_.invoke(FunctionName=made[name], Payload=json.dumps(event))["Payload"].read())
        assert "own" not in said or (said["own"], said["name"]) == (name, made[name])
        return said

    yield answer
    for name in made.values():
        lambda_.delete_function(FunctionName=name)


def test_functions_share_what_they_would_import(call: Call) -> None:
    """One process stands for two functions; each has its own process, environment, folder and path."""
    first, second = call("first"), call("second")
    assert first["parent"] == second["parent"]
    assert first["process"] != second["process"]
    for said in (first, second):
        assert said["calls"] == 1
        assert said["main"].endswith("_worker.py")
        assert said["path"] == [said["folder"], said["main"].removesuffix("/_worker.py")]
    assert first["folder"] != second["folder"]
    again = call("first")
    assert (again["process"], again["calls"]) == (first["process"], 2)


def test_each_has_its_own_libraries(call: Call) -> None:
    """What is in a function's archive is used, in the place of this installation's; the same bytes come from the same process."""
    said = [call(name, archive=code(name[0])) for name in ("a-1", "b", "a-2")]
    assert [one["library"] for one in said] == ["a", "b", "a"]
    assert said[0]["parent"] == said[2]["parent"] != said[1]["parent"]
    assert call("none")["library"] == ""


def test_libraries_that_cannot_be_imported_before(call: Call) -> None:
    """The function starts alone, and tells by itself."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", HANDLER)
        archive.writestr("boto3/__init__.py", "VALUE = 'bare'\n")
    assert call("bare", archive=out.getvalue())["library"] == "bare"


def test_a_process_that_ends_is_replaced(call: Call) -> None:
    """By itself, or because it takes too long; the failure is told."""
    begun = call("ends")
    assert "errorMessage" in call("ends", "end")
    replaced = call("ends")
    assert (replaced["calls"], replaced["process"] != begun["process"]) == (1, True)
    assert "timed out" in call("ends", "wait")["errorMessage"]
    assert call("ends")["calls"] == 1
