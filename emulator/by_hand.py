"""Commands for a running emulator: `python -m emulator deploy`, `receive`, `smtp` and others."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emulator.assembly import deploy
from emulator.definitions import publish
from emulator.process import Emulator, EmulatorError
from emulator.smtp import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.inbound import Receipt

__all__ = ["COMMANDS", "main"]

REGION: Final = "eu-central-1"
_OWN: Final = frozenset({"PATH", "LANG", "TMPDIR"})
_EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + b"$H+H*"
"""The test file that every scanner reports. It is in pieces, so that no scanner reports this file."""
_SIGNATURES: Final = f"Eicar-Test-Signature:0:*:{_EICAR.hex()}\n"
_OUTPUT: Final = "DefinitionsBucketName"
_LOOK_SECONDS: Final = 0.3


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--folder", type=Path, default=Path(".demo/emulator"), help="the emulator's folder")
        default = os.environ.get("AWS_REGION") or REGION
        command.add_argument("--region", default=default, help=f"Default: AWS_REGION, or else {REGION}")
        if name == "receive":
            what = (
                "the message, as RFC 5322 has it; or a folder, whose messages are received as they come, until Ctrl-C"
            )
            command.add_argument("file", type=Path, metavar="FILE", help=what)
            command.add_argument("--to", action="append", required=True, metavar="ADDRESS", help="recipient; repeat it")
            command.add_argument("--sender", default="sender@example.net", help="of the envelope")
        if name == "smtp":
            command.add_argument("--port", type=int, default=2525, help="on 127.0.0.1. Default: 2525")
        if name == "deploy":
            what = "what the CDK app wrote, its cloud assembly. Default: cdk.out"
            command.add_argument("assembly", type=Path, nargs="?", default=Path("cdk.out"), metavar="FOLDER", help=what)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(Emulator.running_in(options.folder), options))
    except (EmulatorError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _environment(emulator: Emulator, options: argparse.Namespace) -> int:
    """Print the environment for the caller's own shell."""
    for name, value in emulator.environment(options.region).items():
        if name not in _OWN:
            print(f"export {name}={shlex.quote(value)}")
    return 0


def _deploy(emulator: Emulator, options: argparse.Namespace) -> int:
    """Deploy each stack, and print its outputs."""
    for stack, outputs in deploy(emulator, options.assembly, options.region).items():
        print(f"{stack}: deployed")
        for name, value in outputs.items():
            print(f"  {name}: {value}")
    return 0


def _definitions(emulator: Emulator, options: argparse.Namespace) -> int:
    """Publish the emulator's own signature database in each cell of the region."""
    buckets = _buckets(emulator, options.region)
    if not buckets:
        raise EmulatorError(
            f"emulator: {options.region}: must have a stack with output {_OUTPUT}, got none; deploy a cell, or name its --region"
        )
    for bucket in buckets:
        publish(emulator.client("s3", options.region), bucket, _SIGNATURES)
        print(f"definitions: {bucket}: published; it finds EICAR alone")
    return 0


def _receive(emulator: Emulator, options: argparse.Namespace) -> int:
    """Deliver a file through the receipt rules, to a scanner that has definitions."""
    _equip(emulator, options.region)
    if options.file.is_dir():
        return _watch(emulator, options)
    return _take(emulator, options, options.file)


def _smtp(emulator: Emulator, options: argparse.Namespace) -> int:
    """Receive mail from mail clients, until the user ends it."""
    _equip(emulator, options.region)

    def answer(raw: bytes, sender: str, recipients: Sequence[str]) -> str:
        receipt = emulator.receive(raw, recipients, options.region, sender=sender)
        _tell(receipt)
        if receipt.failures:
            return "451 4.3.0 Not stored; see the output of python -m emulator smtp"
        # SES refuses single recipients before it has the message; here the printed outcomes name them.
        return "250 2.0.0 Ok" if any(one.accepted for one in receipt.outcomes) else receipt.outcomes[0].reason

    with suppress(KeyboardInterrupt):
        serve(options.port, answer, lambda port: print(f"smtp: 127.0.0.1:{port}; Ctrl-C ends it", flush=True))
    return 0


def _equip(emulator: Emulator, region: str) -> None:
    """Give scanners without a signature database the emulator's own."""
    s3 = emulator.client("s3", region)
    for bucket in _buckets(emulator, region):
        if not s3.list_objects_v2(Bucket=bucket, MaxKeys=1).get("KeyCount"):
            publish(s3, bucket, _SIGNATURES)


def _watch(emulator: Emulator, options: argparse.Namespace) -> int:
    """Receive each file that is put into the folder, and move it to `received` or `refused` there; until the user ends it."""
    print(
        f"{options.file}: each message that is put there is received for {', '.join(options.to)}; Ctrl-C ends it",
        flush=True,
    )
    sizes: dict[Path, int] = {}
    with suppress(KeyboardInterrupt):
        while True:
            files = [one for one in sorted(options.file.iterdir()) if one.is_file() and not one.name.startswith(".")]
            # Its writer may not be done: a file counts once its size has not changed for a moment.
            now = {one: one.stat().st_size for one in files}
            for file in (one for one in files if sizes.get(one) == now[one]):
                into = options.file / ("refused" if _take(emulator, options, file) else "received")
                into.mkdir(exist_ok=True)
                file.replace(into / file.name)
            sizes = now
            time.sleep(_LOOK_SECONDS)
    return 0


def _take(emulator: Emulator, options: argparse.Namespace, file: Path) -> int:
    receipt = emulator.receive(file.read_bytes(), options.to, options.region, sender=options.sender)
    _tell(receipt)
    return int(bool(receipt.failures) or not receipt.accepted)


def _tell(receipt: Receipt) -> None:
    for outcome in receipt.outcomes:
        print(
            f"{outcome.recipient}: {'accepted by ' + ', '.join(outcome.rules) if outcome.accepted else outcome.reason}"
        )
    for one in receipt.objects:
        print(f"s3://{one.bucket}/{one.key}")
    for failure in receipt.failures:
        print(failure, file=sys.stderr)
    sys.stdout.flush()


def _buckets(emulator: Emulator, region: str) -> list[str]:
    """Buckets of definitions in the region."""
    pages = emulator.client("cloudformation", region).get_paginator("describe_stacks").paginate()
    return [
        output["OutputValue"]
        for page in pages
        for stack in page["Stacks"]
        for output in stack.get("Outputs", [])
        if output["OutputKey"] == _OUTPUT
    ]


COMMANDS: Final[dict[str, tuple[Callable[[Emulator, argparse.Namespace], int], str]]] = {
    "deploy": (_deploy, "deploy what a CDK app wrote; needs neither Node nor the CDK CLI"),
    "environment": (_environment, "print the environment of a shell that uses the emulator"),
    "definitions": (_definitions, "publish the emulator's own signature database, which finds EICAR"),
    "receive": (_receive, "have SES receive a file; publishes the signature database where there is none"),
    "smtp": (_smtp, "have SES receive what mail clients send to a port of loopback, until Ctrl-C"),
}
