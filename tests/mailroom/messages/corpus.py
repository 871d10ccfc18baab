"""The messages in `tests/corpus`, and what is expected of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["CASES", "CORPUS", "Case", "difference"]

CORPUS: Final = Path(__file__).parents[2] / "corpus"
# Every worker reads all of it while it collects tests: the safe loader in C takes a tenth of the time.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Case:
    """One message: its file, what it is about, and a part of the document that it must have."""

    file: Path
    what: str
    expected: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}"

    @property
    def raw(self) -> bytes:
        """The message."""
        return self.file.read_bytes()


def _cases() -> Iterator[Case]:
    for listed in sorted(CORPUS.glob("*/expected.yaml")):
        for name, expected in yaml.load(listed.read_text("utf-8"), _LOADER).items():
            yield Case(listed.parent / name, expected.pop("what"), expected)


CASES: Final = tuple(_cases())


def difference(expected: Any, found: Any, place: str = "") -> str:
    """The first place where the result differs from the expected one; "" if none. In a mapping, only the expected keys count."""
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = [difference(value, found.get(key), f"{place}.{key}") for key, value in expected.items()]
        return "".join(parts)
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = zip(expected, found, strict=True)
        return "".join(difference(one, other, f"{place}[{number}]") for number, (one, other) in enumerate(pairs))
    return "" if expected == found else f"{place.strip('.')}: expected {expected!r}, found {found!r}\n"
