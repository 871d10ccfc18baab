"""Functions of the same code share its folder: what one has compiled, the next one does not compile again."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

from emulator import Emulator

from .conftest import REGION

HANDLER = """
import os
from importlib.util import cache_from_source
from pathlib import Path

PART = Path(__file__).parent / "part" / "__init__.py"
COMPILED = os.path.exists(cache_from_source(str(PART)))

import part


def handler(event, context):
    return {"compiled": COMPILED, "value": part.VALUE, "place": __file__}
"""


def zipped(value: str) -> bytes:
    """A function with a package beside it that holds `value`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", HANDLER)
        archive.writestr("part/__init__.py", f"VALUE = {value!r}\n")
    return out.getvalue()


def answer(emulator: Emulator, name: str, code: bytes) -> dict[str, Any]:
    """The answer of a new function with this code."""
    lambda_ = emulator.client("lambda", REGION)
    lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/worker",
        Code={"ZipFile": code},
    )
    said: dict[str, Any] = json.loads(lambda_.invoke(FunctionName=name)["Payload"].read())
    lambda_.delete_function(FunctionName=name)
    return said


def test_same_code_is_compiled_once(emulator: Emulator) -> None:
    """The second function finds it compiled, in a folder of its own; other code of the same names is other code."""
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    code = zipped(one)
    first, second = (answer(emulator, name, code) for name in ("first", "second"))
    assert [(said["compiled"], said["value"]) for said in (first, second)] == [(False, one), (True, one)]
    assert first["place"] != second["place"]
    third = answer(emulator, "third", zipped(other))
    assert (third["compiled"], third["value"]) == (False, other)
