"""A function gets no more memory than the account has: by default a new account's."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, Stacks, code_of
from .test_platform import SILENT, function, function_zip

TOO_MUCH = "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008"


def create(lambda_: Any, name: str, memory: int) -> None:
    """Create a function through the API."""
    lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/worker",
        Code={"ZipFile": function_zip(SILENT)},
        MemorySize=memory,
    )


def resources(memory: object) -> dict[str, Any]:
    """A stack with a function of so much memory."""
    made = function(SILENT)
    made["Function"]["Properties"]["MemorySize"] = memory
    return made


@pytest.mark.parametrize("memory", [3009, 3072, 4096, 10_240, "4096"])
def test_cloudformation_refuses_more(stacks: Stacks, memory: object) -> None:
    """The stack is rolled back, with what Lambda says."""
    assert TOO_MUCH in stacks.refusal(resources(memory))


def test_update_refuses_more(stacks: Stacks) -> None:
    """A stack that is there goes back to what it was."""
    name, _ = stacks.deploy(resources(3008))
    assert TOO_MUCH in stacks.refusal(resources(3009), stack=name)
    (found,) = [one for one in stacks.client("lambda").list_functions()["Functions"] if name in one["FunctionName"]]
    assert found["MemorySize"] == 3008


def test_api_refuses_more(emulator: Emulator) -> None:
    """On creation and on change; what a new account has is taken."""
    lambda_ = emulator.client("lambda", REGION)
    with pytest.raises(ClientError, match="less than or equal to 3008") as refused:
        create(lambda_, "large", 3009)
    assert code_of(refused) == "InvalidParameterValueException"
    create(lambda_, "small", 3008)
    with pytest.raises(ClientError, match="less than or equal to 3008"):
        lambda_.update_function_configuration(FunctionName="small", MemorySize=4096)
    assert lambda_.get_function_configuration(FunctionName="small")["MemorySize"] == 3008
    lambda_.delete_function(FunctionName="small")


def test_account_that_was_given_more() -> None:
    """As much as it says, and not more."""
    with Emulator(function_memory_mib=4096) as raised:
        lambda_ = raised.client("lambda", REGION)
        create(lambda_, "large", 4096)
        with pytest.raises(ClientError, match="less than or equal to 4096"):
            create(lambda_, "larger", 4097)
