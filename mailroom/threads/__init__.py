"""Which messages belong together: by what each says of those before it, in whatever order they arrive. Pure."""

from mailroom.threads.ids import message_ids
from mailroom.threads.trees import Position, Thread, ThreadNode, thread_messages

__all__ = ["Position", "Thread", "ThreadNode", "message_ids", "thread_messages"]
