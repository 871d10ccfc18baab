"""A deployed tenant that sends, as its application has it."""

from __future__ import annotations

from emulator.definitions import publish
from mailroom.messages import Address
from mailroom.outbox import Outbox, OutboxState, Outgoing
from mailroom.store import MessageReader, Objects, Table
from mailroom.tracking import SendingEventKind
from tests.e2e.conftest import Platform
from tests.e2e.test_scanning import eventually
from tests.mailroom.clamav import TEST_DEFINITIONS


class Tenant:
    """A deployed tenant that sends."""

    def __init__(self, platform: Platform, outputs: dict[str, dict[str, str]], name: str = "acme") -> None:
        self.platform, self.name = platform, name
        made = outputs[f"Tenant-{name}"]
        s3 = platform.client("s3")
        table = Table(client=platform.client("dynamodb"), name=made["MessagesTableName"])
        self.outbox = Outbox(table=table, s3=s3, bucket=made["BucketName"])
        self.made = made
        self.reader = MessageReader(table=table, objects=Objects(client=s3, bucket=made["BucketName"]))
        publish(s3, outputs["Cell-eu"]["DefinitionsBucketName"], TEST_DEFINITIONS)

    def told(self, key: str, to: Address, events: int = 2) -> list[tuple[SendingEventKind, str]]:
        """Send a message; SES's events of it, with their subtypes, in their order by name: two may be of one millisecond."""
        sender = Address(f"support@post.{self.name}.example")
        begun = self.outbox.send(Outgoing(sender=sender, to=(to,), text="x\n"), key=key)
        done = self.outbox.wait(begun.id, seconds=60)
        assert done is not None
        assert done.state is OutboxState.SENT
        self.last = done.ses_id
        found = eventually(
            lambda: some if len(some := self.reader.sending_events(done.ses_id).items) >= events else None, seconds=60
        )
        return sorted((one.kind, one.subtype) for one in found)
