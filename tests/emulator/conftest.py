"""One emulator for the whole folder, and small stacks deployed to it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-west-1"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An emulator that looks at no policy."""
    with Emulator() as running:
        yield running


class Stacks:
    """Deploys templates with CloudFormation; raises AssertionError with the reason when a stack does not get there."""

    def __init__(self, emulator: Emulator, prefix: str) -> None:
        self.emulator = emulator
        self.cloudformation = self.client("cloudformation")
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self.names: list[str] = []

    def client(self, service: str) -> Any:
        """A boto3 client in the tests' region."""
        return self.emulator.client(service, REGION)

    def deploy(
        self, resources: dict[str, Any], outputs: dict[str, Any] | None = None, *, stack: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """Create a stack, or update the one named; return its name and outputs."""
        body = {"Resources": resources}
        if outputs:
            body["Outputs"] = {key: value if "Value" in value else {"Value": value} for key, value in outputs.items()}
        request = {"TemplateBody": json.dumps(body), "Capabilities": ["CAPABILITY_IAM"]}
        if stack:
            self.cloudformation.update_stack(StackName=stack, **request)
            return stack, self._settled(stack, "UPDATE_COMPLETE")
        name = f"{self._prefix}-{next(self._numbers)}"
        self.names.append(name)
        self.cloudformation.create_stack(StackName=name, **request)
        return name, self._settled(name, "CREATE_COMPLETE")

    def delete(self, name: str) -> None:
        """Delete a stack; raises with the reasons when something stays."""
        self.cloudformation.delete_stack(StackName=name)
        self._settled(name, "DELETE_COMPLETE")

    def refusal(self, resources: dict[str, Any], *, stack: str | None = None) -> str:
        """Why a stack with these resources does not come to be."""
        with pytest.raises(AssertionError) as caught:
            self.deploy(resources, stack=stack)
        return str(caught.value)

    def clear(self) -> None:
        """Delete every stack that goes; a refusal is the business of a test."""
        for name in reversed(self.names):
            with contextlib.suppress(ClientError, AssertionError):
                self.delete(name)

    def _settled(self, name: str, wanted: str) -> dict[str, str]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            except ClientError:  # a deleted stack is found by its id alone
                assert wanted == "DELETE_COMPLETE", f"{name} is gone"
                return {}
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(0.01)
        assert found["StackStatus"] == wanted, self._reasons(name)
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def _reasons(self, name: str) -> str:
        events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return "; ".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        )


@pytest.fixture
def stacks(emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[Stacks]:
    """Stacks that are gone after the test, if they go."""
    made = Stacks(emulator, re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-"))
    yield made
    made.clear()


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The error code of a refused call."""
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def active(stacks: Stacks) -> Iterator[Any]:
    """Activates a rule set for the length of a test."""
    ses = stacks.client("ses")
    yield lambda name: ses.set_active_receipt_rule_set(RuleSetName=name)
    ses.set_active_receipt_rule_set()
