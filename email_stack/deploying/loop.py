"""Runs and run-time settings, again and again, in one process: behind the local API, on an emulator."""

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
    """Writes to a tenant's table, which is found by the output of its stack."""

    def put(tenant: str, run_time: RunTime, signatures: Sequence[Signature]) -> bool:
        outputs: Mapping[str, str] = stacks.state(tenant_stack_name(tenant)).outputs
        if _TABLE_OUTPUT not in outputs:
            return False
        put_run_time(table(outputs[_TABLE_OUTPUT]), run_time, signatures, clock())
        return True

    return put


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """Looks at what there is to do, one after the other.

    Args:
        runs: what is wanted becomes infrastructure.
        running: what holds now comes into tenants' tables.
    """

    runs: Runs
    running: Running

    def turn(self) -> int:
        """One look; how many runs have more to do now.

        Raises:
            MailroomError: the table cannot be read, or what holds could not be brought to some tenant. That stops no other.
        """
        left = self.runs.look()
        store, failed = self.running.store, None
        # What a deployment writes is a change, too: a tenant that is new gets all of it.
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
        turns: what looks.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        """It looks."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has ended."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(_SECONDS):
            try:
                self._turns.turn()
            except MailroomError as error:
                logger.warning("settings: %s", error)
