"""Commands that list what a tenant's store holds: the options, what follows, and what the store refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_stack.cli.output import CommandError, ExitCode, console
from mailroom.errors import MailroomError

if TYPE_CHECKING:
    from mailroom.store import Page

__all__ = ["After", "Limit", "print_next", "store_failures"]

Limit = Annotated[int, typer.Option("--limit", min=1, max=100, help="Of a list, so many at most.")]
After = Annotated[str, typer.Option("--after", metavar="NEXT", help="Of a list, those behind this place.")]


@contextmanager
def store_failures() -> Iterator[None]:
    """What the store refuses, as an operator reads it."""
    try:
        yield
    except MailroomError as error:
        raise CommandError("AWS could not be asked", str(error), ExitCode.AWS_FAILED) from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--after") from None


def print_next(page: Page[Any]) -> None:
    """How to ask for more; nothing behind the last page."""
    if page.next:
        console.print(f"more: --after {page.next}", markup=False, soft_wrap=True)
