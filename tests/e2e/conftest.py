"""One emulator that enforces IAM, one region in it, and the operator's command line against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from email_stack.output.files import write_whole
from email_stack.synthesis.toolchain import cdk_command
from emulator import Emulator
from tests.e2e.warm_app import WarmApp
from tests.validation import NO_VALIDATION
from tests.warm import CommandLine

REGION = "eu-central-1"

# Coverage of subprocesses needs its own variables in their otherwise bare environment.
_COVERAGE = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
_QUICK_CDK = {
    # Threads that compile and collect garbage beside the program take a fifth more of a processor that others want.
    "NODE_OPTIONS": f'--v8-pool-size=0 --require "{Path(__file__).with_name("quick_cdk.cjs")}"',
    "NODE_COMPILE_CACHE": os.environ["NODE_COMPILE_CACHE"],
}


@dataclass(frozen=True)
class Platform:
    """The emulator, a folder to keep a config in, and the operator's command line."""

    emulator: Emulator
    folder: Path
    commands: CommandLine
    assemblies: Path
    warm_app: WarmApp

    def write_config(self, tenants: list[dict[str, Any]], cells: dict[str, Any] | None = None) -> Path:
        """Write a config of `tenants`; one cell, `eu`, unless told otherwise."""
        path = self.folder / "tenants.yaml"
        path.write_text(yaml.safe_dump({"cells": cells or {"eu": {"region": REGION}}, "tenants": tenants}))
        return path

    def email_stack(self, *arguments: str, region: str = REGION) -> subprocess.CompletedProcess[str]:
        """Run the command line as an operator would, but without the CDK's check of templates; never raises."""
        return self.commands.run(list(arguments), self._environment(region, NO_VALIDATION))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command line, its output a pipe, and go on."""
        command = [sys.executable, "-u", "-m", "email_stack.cli", *arguments]
        return subprocess.Popen(
            command, env=self._environment(REGION, NO_VALIDATION), stdout=subprocess.PIPE, text=True
        )

    def json(self, *arguments: str) -> Any:
        """The document of a command with --json; the command must succeed."""
        done = self.email_stack(*arguments, "--json")
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def run(
        self,
        command: list[str],
        region: str = REGION,
        *,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run any command in the environment of the emulator, with some variables more, from the project's folder or another."""
        environment = self._environment(region, variables or {})
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def _environment(self, region: str, variables: Mapping[str, str]) -> dict[str, str]:
        remembered = {"REMEMBERED_ASSEMBLIES": str(self.assemblies), "WARM_APP": str(self.warm_app.socket)}
        return {**self.emulator.environment(region), **_COVERAGE, **_QUICK_CDK, **remembered, **variables}

    def client(self, service: str) -> Any:
        """A client of `service` in the region, as the account's root, whom no policy binds here."""
        return self.emulator.client(service, REGION)

    def administrator(self, service: str) -> Any:
        """A client of `service` as a user who may do everything, where nothing denies it."""
        iam = self.client("iam")
        if "administrator" not in {user["UserName"] for user in iam.list_users()["Users"]}:
            iam.create_user(UserName="administrator")
        everything = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(everything))
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        return self.emulator.client(service, REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))


@pytest.fixture(scope="session")
def command_line() -> Iterator[CommandLine]:
    """The operator's command line, imported once."""
    with tempfile.TemporaryDirectory(prefix="commands-") as folder, CommandLine(Path(folder)) as command_line:
        yield command_line


@pytest.fixture(scope="session")
def warm_app() -> Iterator[WarmApp]:
    """The app, imported once, with the CDK's kernel."""
    with tempfile.TemporaryDirectory(prefix="app-") as folder, WarmApp(Path(folder)) as warm_app:
        yield warm_app


@dataclass(frozen=True)
class Run:
    """Common data of all workers of one test run.

    Args:
        assemblies: the app's, by what they are made of.
        function_code: unpacked and compiled, by what it is.
        bootstrap_template: what the CDK CLI deploys to an account before all else.
    """

    assemblies: Path
    function_code: Path
    bootstrap_template: str


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Run:
    """The common data of this run."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    assemblies, function_code = base / "assemblies", base / "function-code"
    for folder in (assemblies, function_code):
        folder.mkdir(exist_ok=True)
    template = base / "bootstrap.yaml"
    if not template.exists():
        # Not from the project's folder: there the CLI would synthesize the app before.
        command = [*cdk_command(), "bootstrap", "--show-template"]
        write_whole(template, subprocess.run(command, cwd=base, capture_output=True, check=True).stdout)
    return Run(assemblies, function_code, template.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, run: Run, command_line: CommandLine, warm_app: WarmApp
) -> Iterator[Platform]:
    """A bootstrapped, otherwise empty account of its own for each module."""
    with Emulator(enforce_iam=True, function_code=run.function_code) as emulator:
        made = Platform(emulator, tmp_path_factory.mktemp("config"), command_line, run.assemblies, warm_app)
        _bootstrap(made.client("cloudformation"), run.bootstrap_template)
        yield made


def _bootstrap(cloudformation: Any, template: str) -> None:
    """The resources of `cdk bootstrap`, which `tests/e2e/test_documented.py` runs."""
    parameters = {"FileAssetsBucketKmsKeyId": "AWS_MANAGED_KEY", "PublicAccessBlockConfiguration": "true"}
    cloudformation.create_stack(
        StackName="CDKToolkit",
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="CDKToolkit", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
