"""Deploys the cloud assembly of a CDK app without the CDK CLI and Node: files to the bootstrap's bucket, then the stacks.

Source: CDK documentation, "Define and customize the CDK app's cloud assembly"; `aws-cdk-lib/cloud-assembly-schema`.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from emulator.process import EmulatorError
from emulator.settings import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.process import Emulator

__all__ = ["Assembly", "deploy"]

BOOTSTRAP_VERSION: Final = "30"
SECONDS: Final = 300.0
_STACK: Final = "aws:cloudformation:stack"
_FILES: Final = "cdk:asset-manifest"
_NESTED: Final = "cdk:cloud-assembly"
_UNKNOWN_REGION: Final = "unknown-region"


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The folder that `app.synth()` writes, `cdk.out` by default.

    Args:
        folder: with `manifest.json`.

    Raises:
        EmulatorError: the folder has no cloud assembly.
    """

    folder: Path

    def __post_init__(self) -> None:
        if not (self.folder / "manifest.json").is_file():
            raise EmulatorError(
                f"emulator: {self.folder}: must be a cloud assembly, got no manifest.json in it; run the CDK app with "
                f"CDK_OUTDIR={self.folder}"
            )

    def artifacts(self) -> dict[str, dict[str, Any]]:
        """The artifacts, by id."""
        found: dict[str, dict[str, Any]] = self._json("manifest.json")["artifacts"]
        return found

    def nested(self) -> Iterator[Assembly]:
        """The assemblies of the app's stages."""
        for one in self.artifacts().values():
            if one["type"] == _NESTED:
                yield Assembly(folder=self.folder / one["properties"]["directoryName"])

    def stacks(self) -> Iterator[dict[str, Any]]:
        """The artifacts of stacks; each follows those that it depends on."""
        artifacts, told = self.artifacts(), set[str]()

        def walk(name: str) -> Iterator[dict[str, Any]]:
            if name in told or name not in artifacts:
                return
            told.add(name)
            for one in artifacts[name].get("dependencies", ()):
                yield from walk(one)
            if artifacts[name]["type"] == _STACK:
                yield {"name": name, **artifacts[name]}

        for name in artifacts:
            yield from walk(name)

    def files(self) -> Iterator[dict[str, Any]]:
        """Source and destinations of the files for buckets. Images are left out, because the emulator runs none."""
        for one in self.artifacts().values():
            if one["type"] == _FILES:
                yield from self._json(one["properties"]["file"]).get("files", {}).values()

    def content(self, source: dict[str, Any]) -> bytes:
        """Content of a file, or of a folder as a ZIP archive."""
        path = self.folder / str(source["path"])
        if source.get("packaging") != "zip":
            return path.read_bytes()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for one in sorted(path.rglob("*")):
                if one.is_file():
                    archive.write(one, one.relative_to(path))
        return out.getvalue()

    def _json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def deploy(emulator: Emulator, folder: Path, region: str) -> dict[str, dict[str, str]]:
    """Create or update every stack of a cloud assembly.

    Args:
        emulator: the emulator.
        folder: of the assembly.
        region: region of stacks without one in `env`.

    Returns:
        The outputs of each stack, by its name.

    Raises:
        EmulatorError: no assembly, or a stack that fails; with the reasons of its events.
    """
    assembly, outputs = Assembly(folder=folder), dict[str, dict[str, str]]()
    for nested in assembly.nested():
        outputs |= deploy(emulator, nested.folder, region)
    for one in assembly.files():
        for place in one["destinations"].values():
            where = _filled(place.get("region") or region, region)
            _put(
                emulator,
                where,
                _filled(place["bucketName"], where),
                place["objectKey"],
                assembly.content(one["source"]),
            )
    for stack in assembly.stacks():
        named = stack["environment"].rpartition("/")[2]
        where = region if named == _UNKNOWN_REGION else named
        outputs[_name(stack)] = _Stack(emulator, where, stack).deploy()
    return outputs


def _name(stack: dict[str, Any]) -> str:
    return str(stack["properties"].get("stackName", stack["name"]))


def _filled(text: str, region: str) -> str:
    values = {"AccountId": ACCOUNT_ID, "Region": region, "Partition": "aws"}
    for name, value in values.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def _put(emulator: Emulator, region: str, bucket: str, key: str, content: bytes) -> None:
    s3 = emulator.client("s3", region)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    except s3.exceptions.NoSuchBucket:
        # The bucket of `cdk bootstrap`.
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_object(Bucket=bucket, Key=key, Body=content)


class _Stack:
    """One stack of the assembly, and the deployed stack of its name."""

    def __init__(self, emulator: Emulator, region: str, artifact: dict[str, Any]) -> None:
        self.name = _name(artifact)
        self.cloudformation = emulator.client("cloudformation", region)
        self.properties = artifact["properties"]
        if parameter := self.properties.get("bootstrapStackVersionSsmParameter"):
            ssm = emulator.client("ssm", region)
            ssm.put_parameter(Name=parameter, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
        bucket, _, key = (
            _filled(self.properties["stackTemplateAssetObjectUrl"], region).removeprefix("s3://").partition("/")
        )
        self.template = f"{emulator.endpoint_url}/{bucket}/{key}"

    def deploy(self) -> dict[str, str]:
        """Create or update it; returns its outputs."""
        request = {
            "StackName": self.name,
            "TemplateURL": self.template,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Tags": [{"Key": key, "Value": value} for key, value in self.properties.get("tags", {}).items()],
        }
        try:
            if self._found() is None:
                self.cloudformation.create_stack(**request)
            else:
                self.cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise EmulatorError(f"emulator: stack {self.name}: {error.response['Error']['Message']}") from error
        return self._settled()

    def _found(self) -> dict[str, Any] | None:
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return None
        return dict(stack)

    def _settled(self) -> dict[str, str]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            stack = self._found()
            if stack is not None and not stack["StackStatus"].endswith("IN_PROGRESS"):
                if stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
                    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
                raise EmulatorError(f"emulator: stack {self.name}: {stack['StackStatus']}\n{self._reasons()}")
            time.sleep(0.1)
        raise EmulatorError(
            f"emulator: stack {self.name}: is not done after {SECONDS:.0f} s; see the emulator's output"
        )

    def _reasons(self) -> str:
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [one for one in reversed(events) if one["ResourceStatus"].endswith("FAILED")]
        return "\n".join(f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '')}" for one in failed)
