"""Which messages belong together: by what each says of those before it, in whatever order they arrive. Pure."""

from mailroom.threads.forest import Link, Place, Thread, thread_messages
from mailroom.threads.ids import message_ids

__all__ = ["Link", "Place", "Thread", "message_ids", "thread_messages"]
