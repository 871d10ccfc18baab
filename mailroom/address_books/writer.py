"""Copies the address book of a deployed stack into the table of its tenant.

The stack has the book as metadata of the parameter with its entry in the registry, and the entry has the book's digest. The only
source of both is CloudFormation's description of a resource of the same stack.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.errors import PermanentError, RetryableError
from mailroom.faults import code_of
from mailroom.registry import Entry, Registry, entry_from
from mailroom.store.address_book import METADATA, confirm_address_book, put_address_book
from mailroom.store.run_time import RunTime, Signature, put_run_time
from mailroom.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

__all__ = ["BookWriter"]

_PARAMETER: Final = "AWS::SSM::Parameter"
_ENOUGH_SECONDS: Final = 20

logger = logging.getLogger("mailroom")


@dataclass(frozen=True, kw_only=True, slots=True)
class BookWriter:
    """Writes books.

    Args:
        cloudformation: a client.
        registry: of the cell.
        table_of: a tenant's table, by the id of its stack and the name of the table.
        clock: the time now.
    """

    cloudformation: CloudFormationClient
    registry: Registry
    table_of: Callable[[str, str], Table]
    clock: Callable[[], datetime]

    def write(self, stack: str) -> int:
        """Write the books of one stack, and return their number; 0 where the stack is gone.

        Raises:
            RetryableError: AWS failed.
            PermanentError: an entry or a book is invalid.
        """
        try:
            made = list(self._entries(stack))
            books = [(name, self._book(stack, logical_id)) for name, logical_id in made]
            entries = [(name, self.registry.read(name), book) for name, book in books if book is not None]
        except (BotoCoreError, ClientError) as error:
            raise _unreadable(stack, error) from error
        except (KeyError, TypeError, ValueError) as error:
            # Its text may hold an address.
            raise PermanentError(f"stack {stack}: holds no address book that can be read") from error
        for _name, entry, book in entries:
            if entry.stack != stack:
                raise PermanentError(f"stack {stack}: its entry names another stack")
            put_address_book(self.table_of(stack, entry.table), book, digest=entry.book, now=self.clock())
            logger.info("tenant %s: address book written", entry.tenant)
        return len(entries)

    def hold(self, stack: str, tenant: str, run_time: RunTime, signatures: Sequence[Signature]) -> bool:
        """Write run-time settings into the table of a stack's tenant; False where the stack or its table does not exist.

        Args:
            stack: name of the tenant's stack.
            tenant: its id, which the stack's own entry must have.
            run_time: the settings.
            signatures: of its addresses.

        Raises:
            RetryableError: AWS failed.
            PermanentError: the stack's entry is invalid, or another tenant's.
        """
        try:
            names = [name for name, _ in self._entries(stack)]
            entries = [self.registry.read(name) for name in names]
        except (BotoCoreError, ClientError) as error:
            if "does not exist" in str(error):
                return False
            raise _unreadable(stack, error) from error
        except ValueError as error:
            raise PermanentError(f"stack {stack}: holds no entry that can be read") from error
        for entry in entries:
            if entry.tenant != tenant:
                raise PermanentError(f"stack {stack}: its entry names another tenant")
            put_run_time(self.table_of(entry.stack, entry.table), run_time, signatures, self.clock())
        return bool(entries)

    def confirm_all(self, seconds_left: Callable[[], float]) -> tuple[int, int]:
        """Confirm every book of the registry, and write missing and outdated ones.

        Returns the number of books, and the number of failures, which the log names.

        Raises:
            RetryableError: the registry cannot be read, or time is up before the last one.
        """
        number = failed = 0
        try:
            for name, value in self.registry.all():
                if seconds_left() < _ENOUGH_SECONDS:
                    raise RetryableError(f"address books: time is up after {number}")
                number += 1
                failed += not self._confirmed(name, value)
        except (BotoCoreError, ClientError) as error:
            raise RetryableError(f"registry {self.registry.path}: cannot be read: {code_of(error)}") from error
        return number, failed

    def _confirmed(self, name: str, value: str) -> bool:
        try:
            entry = entry_from(value)
            if entry.book and not self._is_there(entry):
                self.write(entry.stack)
        except (PermanentError, RetryableError, ValueError) as error:
            logger.warning("%s: %s", name, error if not isinstance(error, ValueError) else type(error).__name__)
            return False
        return True

    def _is_there(self, entry: Entry) -> bool:
        return confirm_address_book(self.table_of(entry.stack, entry.table), digest=entry.book, now=self.clock())

    def _entries(self, stack: str) -> Iterator[tuple[str, str]]:
        """Name and logical id of each parameter of the registry that the stack made."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        for page in pages:
            for one in page["StackResourceSummaries"]:
                name = one.get("PhysicalResourceId", "")
                if one["ResourceType"] == _PARAMETER and name.startswith(self.registry.path):
                    yield name, one["LogicalResourceId"]

    def _book(self, stack: str, logical_id: str) -> AddressBook | None:
        """The book in the metadata of a resource; None where there is none. Raises KeyError, TypeError, ValueError."""
        answer = self.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        metadata: Any = json.loads(answer["StackResourceDetail"].get("Metadata") or "{}")
        return _book_from(metadata[METADATA]) if METADATA in metadata else None


def _book_from(said: Any) -> AddressBook:
    return AddressBook(
        subdomain=_text(said["subdomain"]),
        addresses=tuple(
            DesignatedAddress(
                _text(one["address"]), _text(one["name"]), sends=_flag(one["sends"]), receives=_flag(one["receives"])
            )
            for one in said["addresses"]
        ),
        catch_all=_flag(said["catch_all"]),
        live=_flag(said["live"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("must be a text")
    return value


def _flag(value: Any) -> bool:
    """A boolean, which CloudFormation may give as text."""
    return {True: True, False: False, "true": True, "false": False}[value]


def _unreadable(stack: str, error: Exception) -> RetryableError:
    return RetryableError(f"stack {stack}: cannot be read: {code_of(error)}; try again")
