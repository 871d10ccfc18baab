"""Repeats runs and copies of run-time settings in one process, for the local API on an emulator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from constructs_lib.naming import tenant_stack_name
from email_stack.deploying.runs import Runs
from email_stack.deploying.stacks import Stacks
from mailroom.errors import MailroomError
from mailroom.settings.running import Running
from mailroom.store.run_time import RunTime, Signature, put_run_time
from mailroom.store.table import Table

__all__ = ["Loop", "Turns", "into_tables"]

logger = logging.getLogger(__name__)

_SECONDS: Final = 0.5
_TABLE_OUTPUT: Final = "MessagesTableName"


def into_tables(
    stacks: Stacks, table: Callable[[str], Table], clock: Callable[[], datetime]
) -> Callable[[str, RunTime, Sequence[Signature]], bool]:
    """A writer of run-time settings; the output of a tenant's stack names its table."""

    def put(tenant: str, run_time: RunTime, signatures: Sequence[Signature]) -> bool:
        outputs: Mapping[str, str] = stacks.state(tenant_stack_name(tenant)).outputs
        if _TABLE_OUTPUT not in outputs:
            return False
        put_run_time(table(outputs[_TABLE_OUTPUT]), run_time, signatures, clock())
        return True

    return put


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """One look at all due work: deployments first, run-time settings after them.

    Args:
        runs: deploys wanted infrastructure.
        running: copies run-time settings into tenants' tables.
    """

    runs: Runs
    running: Running

    def turn(self) -> int:
        """One look. Returns the number of runs with more work now.

        Raises:
            MailroomError: the table cannot be read, or a copy into a tenant's table failed. That stops no other copy.
        """
        left = self.runs.look()
        store, failed = self.running.store, None
        # The end of a deployment is a change, too: so a new tenant gets its run-time settings.
        for organization in list(self.runs.operating.changed()):
            revision = store.state(organization).revision
            try:
                self.running.bring(organization)
                store.brought(organization, revision)
            except MailroomError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return left


class Loop:
    """Looks twice a second for as long as the `with` block lasts.

    Args:
        turns: one look.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        """Start to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for the last look."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(_SECONDS):
            try:
                self._turns.turn()
            except MailroomError as error:
                logger.warning("settings: %s", error)
