"""The demo's mail: one clean and one infected message to a tenant, and their results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final

from constructs_lib.naming import cell_stack_name, tenant_stack_name
from email_stack.config import Cell, Tenant
from emulator.definitions import publish
from emulator.process import Emulator
from mailroom.store import MessageReader, Objects, Table

__all__ = ["Received", "await_messages", "await_sending_events", "receive_two"]

# The test text that all scanners report, and a signature for it. It is in pieces, so that no scanner reports this file.
_TEST_FILE: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_SIGNATURES: Final = f"Eicar-Test-File:0:*:{_TEST_FILE.hex()}\n"
_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """Result of one message.

    Args:
        subject: its subject.
        verdict: of the scanner.
        action: by the tenant's policy.
        found: file names with signatures.
        delivered: key of the delivered message; None without one.
        in_quarantine: whether the raw message is still there.
        seconds: from its receipt to its verdict.
    """

    subject: str
    verdict: str
    action: str
    found: tuple[str, ...]
    delivered: str | None
    in_quarantine: bool
    seconds: float


def receive_two(emulator: Emulator, tenant: Tenant, cell: Cell) -> list[Received]:
    """Receive both at the tenant's first address, through its receipt rule, and wait for the scanner.

    Raises:
        TimeoutError: the scanner gave no verdict.
    """
    s3 = emulator.client("s3", cell.region)
    publish(s3, _outputs(emulator, cell.region, cell_stack_name(cell.id))["DefinitionsBucketName"], _SIGNATURES)
    bucket = _outputs(emulator, cell.region, tenant_stack_name(tenant.id))["BucketName"]
    recipient = tenant.receiving_addresses[0]
    mails = [
        _mail("Minutes", recipient, "minutes.txt", b"See you on Monday."),
        _mail("Invoice", recipient, "invoice.exe", _TEST_FILE),
    ]
    received = []
    for mail in mails:
        started = time.monotonic()
        receipt = emulator.receive(bytes(mail), [recipient], cell.region, sender="sender@example.net")
        (stored,) = receipt.objects
        message_id = stored.key.removeprefix("raw/")
        record = _record(s3, bucket, message_id)
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        clean = f"clean/{message_id}"
        received.append(
            Received(
                subject=mail["Subject"],
                verdict=record["verdict"],
                action=record["action"],
                found=tuple(f"{part['filename']}: {part['signature']}" for part in record["parts"] if part["removed"]),
                delivered=clean if clean in keys else None,
                in_quarantine=stored.key in keys,
                seconds=time.monotonic() - started,
            )
        )
    return received


def await_messages(emulator: Emulator, tenant: Tenant, cell: Cell, count: int) -> None:
    """Wait until so many messages are in the tenant's table. Raises TimeoutError."""
    reader = _reader(emulator, tenant, cell)
    _await(lambda: sum(thread.messages for thread in reader.threads().items) >= count, f"{tenant.id}: {count} messages")


def await_sending_events(emulator: Emulator, tenant: Tenant, cell: Cell, ses_id: str, count: int) -> None:
    """Wait until so many events of a sent message are stored. Raises TimeoutError."""
    reader = _reader(emulator, tenant, cell)
    _await(lambda: len(reader.sending_events(ses_id).items) >= count, f"{tenant.id}: {count} events of {ses_id}")


def _reader(emulator: Emulator, tenant: Tenant, cell: Cell) -> MessageReader:
    outputs = _outputs(emulator, cell.region, tenant_stack_name(tenant.id))
    return MessageReader(
        table=Table(client=emulator.client("dynamodb", cell.region), name=outputs["MessagesTableName"]),
        objects=Objects(client=emulator.client("s3", cell.region), bucket=outputs["BucketName"]),
    )


def _await(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not there after {_SECONDS} s; see the emulator's log")
        time.sleep(0.1)


def _mail(subject: str, recipient: str, filename: str, attachment: bytes) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sender@example.net", recipient, subject
    mail.set_content(f"{subject}: see the attachment.\n")
    mail.add_attachment(attachment, maintype="application", subtype="octet-stream", filename=filename)
    return mail


def _record(s3: Any, bucket: str, message_id: str) -> dict[str, Any]:
    """The verdict, once the scanner has finished."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        for one in s3.list_objects_v2(Bucket=bucket, Prefix=f"verdicts/{message_id}/").get("Contents", []):
            record: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read())
            raw = s3.list_object_versions(Bucket=bucket, Prefix=f"raw/{message_id}").get("Versions", [])
            if record["told"] and (record["action"] == "hold" or not raw):
                return record
        time.sleep(0.1)
    raise TimeoutError(f"{bucket}: no verdict on {message_id} after {_SECONDS} s; see the emulator's log")


def _outputs(emulator: Emulator, region: str, stack: str) -> dict[str, str]:
    (described,) = emulator.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
