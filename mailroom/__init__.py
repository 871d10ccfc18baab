"""Parses, scans, threads, stores and sends a tenant's mail. Applications import their part from here.

    from mailroom import MessageReader

    reader = MessageReader.of(table="...", bucket="...")
    for thread in reader.threads(limit=20).items:
        print(thread.subject)

The names below are public; modules of the package are not. Each name is loaded on first use, and imports no CDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailroom.lazy_imports import lazy_imports

if TYPE_CHECKING:
    from mailroom.addresses import AddressBook as AddressBook
    from mailroom.addresses import DesignatedAddress as DesignatedAddress
    from mailroom.errors import MailroomError as MailroomError
    from mailroom.errors import PermanentError as PermanentError
    from mailroom.errors import RetryableError as RetryableError
    from mailroom.events import DomainChanged as DomainChanged
    from mailroom.events import MessageDiscarded as MessageDiscarded
    from mailroom.events import MessageHeld as MessageHeld
    from mailroom.events import MessageInDoubt as MessageInDoubt
    from mailroom.events import MessageRecalled as MessageRecalled
    from mailroom.events import MessageReceived as MessageReceived
    from mailroom.events import MessageRefused as MessageRefused
    from mailroom.events import MessageReleased as MessageReleased
    from mailroom.events import MessageSent as MessageSent
    from mailroom.events import MessageTracked as MessageTracked
    from mailroom.events import RecipientsAdded as RecipientsAdded
    from mailroom.events.form import schema_of as schema_of
    from mailroom.messages import Address as Address
    from mailroom.messages import Attachment as Attachment
    from mailroom.messages import Envelope as Envelope
    from mailroom.messages import Kind as Kind
    from mailroom.messages import Message as Message
    from mailroom.messages import Nested as Nested
    from mailroom.messages import Origin as Origin
    from mailroom.messages import Problem as Problem
    from mailroom.messages import Report as Report
    from mailroom.messages import ReportedRecipient as ReportedRecipient
    from mailroom.messages import parse as parse
    from mailroom.messages.html import safe_html as safe_html
    from mailroom.messages.html import shown_images as shown_images
    from mailroom.messages.joining import JoinBy as JoinBy
    from mailroom.messages.joining import node_of as node_of
    from mailroom.outbox import Answering as Answering
    from mailroom.outbox import Outbox as Outbox
    from mailroom.outbox import OutboxState as OutboxState
    from mailroom.outbox import Outgoing as Outgoing
    from mailroom.outbox import OutgoingFile as OutgoingFile
    from mailroom.outbox import Progress as Progress
    from mailroom.outbox import answering as answering
    from mailroom.outbox import reply_to as reply_to
    from mailroom.quarantine import Finding as Finding
    from mailroom.quarantine import HeldMail as HeldMail
    from mailroom.quarantine import HeldMessage as HeldMessage
    from mailroom.store import Delivery as Delivery
    from mailroom.store import MessageReader as MessageReader
    from mailroom.store import Page as Page
    from mailroom.store import Recalled as Recalled
    from mailroom.store import StoredMessage as StoredMessage
    from mailroom.store import Summary as Summary
    from mailroom.store import Suppression as Suppression
    from mailroom.store import ThreadSummary as ThreadSummary
    from mailroom.threads import Position as Position
    from mailroom.threads import Thread as Thread
    from mailroom.threads import ThreadNode as ThreadNode
    from mailroom.threads import message_ids as message_ids
    from mailroom.threads import thread_messages as thread_messages
    from mailroom.tracking import SendingEvent as SendingEvent
    from mailroom.tracking import SendingEventKind as SendingEventKind
else:
    __getattr__, __dir__ = lazy_imports(__name__)
