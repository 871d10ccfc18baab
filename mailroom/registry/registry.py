"""Looks up the tenant that a configuration set belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.errors import RetryableError
from mailroom.faults import code_of
from mailroom.registry.entry import Entry, entry_from

__all__ = ["Registry"]

_KEPT: Final = timedelta(minutes=5)
_MOST_KEPT: Final = 10_000


@dataclass(slots=True)
class Registry:
    """The entries of a cell, one parameter per configuration set; found entries are cached for five minutes.

    Args:
        ssm: a client of Systems Manager.
        path: prefix of the parameters' names, with a slash at either end.
        clock: the time now.
    """

    ssm: Any
    path: str
    clock: Callable[[], datetime]
    known: dict[str, tuple[datetime, Entry]] = field(default_factory=dict)

    def of(self, configuration_set: str) -> Entry | None:
        """The entry of a configuration set; None where no tenant has it.

        Raises:
            RetryableError: the parameter cannot be read, or is no entry.
        """
        now = self.clock()
        since, entry = self.known.get(configuration_set, (now - _KEPT, None))
        if entry is not None and now - since < _KEPT:
            return entry
        try:
            found = self.read(f"{self.path}{configuration_set}")
        except ClientError as error:
            if code_of(error) == "ParameterNotFound":
                return None
            raise _unreadable(configuration_set, error) from error
        except (BotoCoreError, ValueError) as error:
            raise _unreadable(configuration_set, error) from error
        if len(self.known) >= _MOST_KEPT:
            self.known.clear()
        self.known[configuration_set] = (now, found)
        return found

    def read(self, name: str) -> Entry:
        """The present entry of a parameter.

        Raises:
            BotoCoreError, ClientError: AWS failed, or the parameter does not exist.
            ValueError: its value is no entry.
        """
        return entry_from(self.ssm.get_parameter(Name=name)["Parameter"]["Value"])

    def all(self) -> Iterator[tuple[str, str]]:
        """Name and value of each parameter, a page at a time. Raises BotoCoreError, ClientError."""
        following = ""
        while True:
            more = {"NextToken": following} if following else {}
            page = self.ssm.get_parameters_by_path(Path=self.path.rstrip("/"), **more)
            for one in page["Parameters"]:
                yield one["Name"], one["Value"]
            following = page.get("NextToken", "")
            if not following:
                return


def _unreadable(configuration_set: str, error: Exception) -> RetryableError:
    return RetryableError(
        f"configuration set {configuration_set}: its tenant cannot be read: {code_of(error)}; try again"
    )
