"""Faults of values, and their texts for the config and for constructs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Fault", "RuleError", "Scalar", "escape", "shown"]

Scalar = str | int | float | bool | None
"""A scalar of JSON and YAML."""

_SHOWN_CHARACTERS: Final = 60
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem without its place in a file.

    Args:
        message: the rule, such as "must be one label".
        remedy: the repair.
        path: from the checked object to the field; () for the object itself.
        value: the scalar found there. Default: the file's value at that place.
        silent: whether the message leaves out the value. Default: False.
    """

    message: str
    remedy: str
    path: tuple[str | int, ...] = ()
    value: Scalar = None
    silent: bool = False

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class RuleError(ValueError):
    """A value, or several fields together, break a rule of config or constructs.

    Args:
        faults: at least one.
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(*faults)

    @classmethod
    def one(cls, message: str, remedy: str) -> RuleError:
        """An error with one fault, of the checked value itself."""
        return cls(Fault(message, remedy))

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def shown(value: Scalar) -> str:
    """The value quoted for a message: at most 60 characters, without control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    cut = value[: _SHOWN_CHARACTERS - 1] + "…" if len(value) > _SHOWN_CHARACTERS else value
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else escape(c)) for c in cut) + '"'


def escape(character: str) -> str:
    """A character as a Python escape, such as \\x1b. Its letter fixes the number of digits, so digits may follow."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
