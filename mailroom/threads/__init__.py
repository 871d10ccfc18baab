"""Threads of messages, from the Message-IDs that they name, in any order of arrival. Pure."""

from mailroom.threads.ids import message_ids
from mailroom.threads.trees import Position, Thread, ThreadNode, thread_messages

__all__ = ["Position", "Thread", "ThreadNode", "message_ids", "thread_messages"]
