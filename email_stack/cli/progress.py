"""Progress of the CDK CLI, as one moving line a stack."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["StackProgress"]

_EVENT: Final = re.compile(
    r"(?P<stack>[A-Za-z][\w-]*) \|\s*(?P<done>\d+)(?:/(?P<total>\d+))? \|[^|]+\|\s*(?P<status>[A-Z_]+)\s*\|\s*(?P<what>[^|]+)"
)
"""A stack event: `Tenant-acme |  4/13 | 8:11:15 AM | CREATE_IN_PROGRESS | AWS::S3::Bucket | ...`; deletions have no total."""

_RESULT: Final = re.compile(r"\s*(?P<mark>✅|❌)\s+(?P<text>.+)")


class StackProgress:
    """Follows the lines of one run: bars in a terminal, a line a finished stack elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.fields[stack]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", style="dim"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        """Take note of one line of output."""
        event = _EVENT.match(text)
        if event is not None:
            self._event(event)
            return
        result = _RESULT.match(text)
        if result is not None:
            self._finished(result["mark"], result["text"].strip())

    def _event(self, event: re.Match[str]) -> None:
        stack = event["stack"]
        total = int(event["total"]) if event["total"] else None
        doing = f"{event['status'].replace('_', ' ').lower()} {event['what'].strip()}"
        if stack not in self._tasks:
            self._tasks[stack] = self._progress.add_task("", total=total, stack=stack, doing="")
        self._progress.update(self._tasks[stack], completed=int(event["done"]), total=total, doing=doing)

    def _finished(self, mark: str, text: str) -> None:
        stack = text.split(maxsplit=1)[0].rstrip(":")
        if stack in self._tasks:
            self._progress.remove_task(self._tasks.pop(stack))
        self._console.print(f"{mark} {text}", markup=False, soft_wrap=True)
