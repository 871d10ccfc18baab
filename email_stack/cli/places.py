"""Where a tenant may be deployed already: its cell's account, the credentials', and those of the config's other cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from email_stack.config import Cell, Config
from email_stack.operations.accounts import lookup_role, reading
from email_stack.operations.aws import AwsError, session

if TYPE_CHECKING:
    from boto3 import Session

__all__ = ["Place", "Places"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An account to look at.

    Args:
        session: what it is read with.
        without: region that is left out; "" for none.
        said: " of account ..." where it is not the cell's own.
    """

    session: Session
    without: str
    said: str


class Places:
    """The account of a cell, and others where its tenants may be.

    `own` reads the cell's account: with the credentials at hand, or in another account with its role for look-ups; None where that
    cannot be taken, and `why`. `closed` are accounts that `others` could not look at.

    Args:
        config: as loaded.
        cell: whose tenants are deployed.
        account: whose the credentials are.
        assembly: folder of the cloud assembly.
        stack: one of the cell's stacks in it.
    """

    def __init__(self, config: Config, cell: Cell, account: str, assembly: Path, stack: str) -> None:
        self._config, self._cell, self._account = config, cell, account
        self._assembly, self._stack = assembly, stack
        self.foreign = cell.account is not None and cell.account != account
        self.said = f" of account {cell.account}" if self.foreign else ""
        self.why = ""
        self.closed: list[str] = []
        self.own: Session | None = None
        try:
            self.own = self._taken(cell) if self.foreign else session()
        except AwsError as error:
            self.why = str(error)

    def others(self) -> Iterator[Place]:
        """Every place but the cell's region in its account; an account that cannot be read is noted in `closed`."""
        if self.own is not None:
            yield Place(session=self.own, without=self._cell.region, said=self.said)
        if self.foreign:
            yield Place(session=session(), without="", said=f" of account {self._account}")
        seen = {self._account, self._cell.account}
        for cell in self._config.cells:
            if cell.account is None or cell.account in seen:
                continue
            seen.add(cell.account)
            try:
                taken = self._taken(cell)
            except AwsError:
                self.closed.append(cell.account)
            else:
                yield Place(session=taken, without="", said=f" of account {cell.account}")

    def _taken(self, cell: Cell) -> Session:
        role = lookup_role(self._assembly, self._stack, cell.account or self._account, cell.region)
        if not role:
            raise AwsError("the synthesized stacks name no role for look-ups")
        return reading(role, cell.region)
