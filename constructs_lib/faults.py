"""Faults of values, and their texts for the config and for constructs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Fault", "RuleError", "Scalar", "escape", "shown"]

Scalar = str | int | float | bool | None
"""A value as JSON and YAML both write it."""

_SHOWN_CHARACTERS: Final = 60
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem that does not know its file yet.

    Args:
        message: what holds of a right value.
        remedy: what to do.
        path: from the object that was checked to the field; () for the object itself.
        value: the scalar found there. Default: whatever the file holds at that place.
        silent: the value says nothing here, leave it out. Default: False.
    """

    message: str
    remedy: str
    path: tuple[str | int, ...] = ()
    value: Scalar = None
    silent: bool = False

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class RuleError(ValueError):
    """Raised by every rule of config and constructs: a value, or several fields together, break it.

    Args:
        faults: at least one.
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(*faults)

    @classmethod
    def one(cls, message: str, remedy: str) -> RuleError:
        """One fault of the value that was checked."""
        return cls(Fault(message, remedy))

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def shown(value: Scalar) -> str:
    """The value as a message quotes it: at most 60 characters, with nothing in it that a terminal would act on."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    cut = value[: _SHOWN_CHARACTERS - 1] + "…" if len(value) > _SHOWN_CHARACTERS else value
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else escape(c)) for c in cut) + '"'


def escape(character: str) -> str:
    """A character by its number, in Python's form: the letter fixes the number of digits, so that following text is apart."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
