"""What makes entities of a tenant's mail, and where they are kept."""

from constructs_lib.messages.message_store import MessageStore, MessageStoreProps

__all__ = ["MessageStore", "MessageStoreProps"]
