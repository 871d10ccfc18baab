"""Common parts of commands that list a tenant's store: options, the next page, and errors of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_stack.cli.account import aws_failures
from email_stack.cli.output import console

if TYPE_CHECKING:
    from mailroom.store import Page

__all__ = ["After", "Limit", "print_next", "store_failures"]

Limit = Annotated[int, typer.Option("--limit", min=1, max=100, help="Longest list.")]
After = Annotated[str, typer.Option("--after", metavar="NEXT", help="Continue a list after this place.")]


@contextmanager
def store_failures() -> Iterator[None]:
    """Turn refusals by AWS or the store into texts for operators."""
    try:
        with aws_failures():
            yield
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--after") from None


def print_next(page: Page[Any]) -> None:
    """Print how to get the next page; nothing after the last page."""
    if page.next:
        console.print(f"more: --after {page.next}", markup=False, soft_wrap=True)
