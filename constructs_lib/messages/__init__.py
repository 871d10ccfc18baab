"""The store of a tenant's messages, and the function that ingests mail into it."""

from constructs_lib.messages.message_store import MessageStore, MessageStoreProps

__all__ = ["MessageStore", "MessageStoreProps"]
