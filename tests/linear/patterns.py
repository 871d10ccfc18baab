"""Every pattern of the runtime, and the texts that are to make it slow."""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mailroom
from tests.linear.measure import BOUND, growth, undisturbed
from tests.linear.shape import Shape

__all__ = ["MODES", "Found", "compiled_elsewhere", "hidden_uses", "patterns", "slow_texts"]

MODES: Final[Mapping[str, Callable[[re.Pattern[Any], Any], int]]] = {
    "match": lambda pattern, text: pattern.match(text) is not None,
    "fullmatch": lambda pattern, text: pattern.fullmatch(text) is not None,
    "search": lambda pattern, text: pattern.search(text) is not None,
    "finditer": lambda pattern, text: pattern.subn(text[:0], text)[1],
}
"""Ways to use a pattern, and what each finds; `findall`, `split` and `sub` go over a text as `finditer` does."""
_NO_PATTERNS: Final = {"Pattern", "Match", "escape", "ASCII", "IGNORECASE", "MULTILINE", "DOTALL"}
_SAME: Final = {"findall": "finditer", "split": "finditer", "sub": "finditer", "subn": "finditer"}

_PIECES: Final = (
    "=?utf-8?q?a?= ",
    "=?a?b?QQ==",
    '\\"',
    '"\\"',
    '\\\\"',
    '" "',
    "(a (b) ",
    "a: b\n",
    "a:\n ",
    "Subject: x\r\n",
    " \r\n",
    "\r\n\t",
    "--b\nContent-Type: a/b\n",
    "; a=b",
    '; a="',
    "a*0*=%41; ",
    "<a@b> ",
    "a@b, ",
    "Mon, 02 Nov 2026 14:00:00 +0000; ",
    "for <a@b>; ",
    "by inbound-smtp.eu-central-1.amazonaws.com id a1 ",
    "spf=pass; ",
    "begin 644 a\n",
    "=ybegin line=1 name=a\n",
    "QUJD\n",
    "QUJDQUJDQUJDQUJDQUJDQUJD",
    "=41=\n",
    "= \t",
    "<p>&nbsp;</p>",
    "<!-- ",
    "</title ",
    "&#65;",
    "Re[2]: ",
    "Re (2)",
    "On 1.2.2026 a wrote:\n",
    "schrieb am ",
    "schrieb  ",
    "From: a\nTo: b\n",
    "----- ",
    "> ",
    "\x1b$B",
)
"""What mail is made of, to be repeated."""
_SUFFIXES: Final = ("", "\x00")
_SCREENED: Final = 6_000
"""Characters of the first look: where they take no longer than a search does that finds nothing, nothing is looked at closer."""
_SECONDS_A_CHARACTER: Final = 4e-8
_SECONDS_A_MATCH: Final = 4e-7
_LARGEST: Final = 400_000


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern, where it stands, and how it is used."""

    name: str
    pattern: re.Pattern[Any]
    modes: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def patterns() -> list[Found]:
    """All patterns that the modules of the runtime hold, each once."""
    found: dict[int, Found] = {}
    for module in _modules():
        held = list(_held(vars(module)))
        used = _uses(Path(str(module.__file__))) if held else {}
        for name, pattern in held:
            modes = tuple(sorted(used.get(name, ()))) or tuple(MODES)
            known = found.get(id(pattern))
            found[id(pattern)] = Found(
                known.name if known else f"{module.__name__}.{name}",
                pattern,
                tuple(sorted({*modes, *(known.modes if known else ())})),
            )
    return sorted(found.values(), key=str)


def _modules() -> Iterator[Any]:
    for info in pkgutil.walk_packages(mailroom.__path__, "mailroom."):
        yield importlib.import_module(info.name)


def _held(names: Mapping[str, Any]) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Patterns by their names, those in collections and classes too."""
    for name, value in names.items():
        if isinstance(value, re.Pattern):
            yield name, value
        elif isinstance(value, Mapping) and not name.startswith("__"):
            yield from ((name, one) for one in value.values() if isinstance(one, re.Pattern))
        elif isinstance(value, (list, tuple, set, frozenset)):
            yield from ((name, one) for one in value if isinstance(one, re.Pattern))
        elif isinstance(value, type) and value.__module__.startswith("mailroom"):
            yield from ((f"{name}.{key}", one) for key, one in vars(value).items() if isinstance(one, re.Pattern))


def _uses(file: Path) -> dict[str, set[str]]:
    """Uses of the patterns that a module names. A pattern with a use under another name counts as used in all ways."""
    used: dict[str, set[str]] = {}
    handed: set[str] = set()
    tree = ast.parse(file.read_text("utf-8"))
    methods = {
        id(node.value): node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and (node.attr in MODES or node.attr in _SAME)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Store):
            continue
        if id(node) in methods:
            mode = methods[id(node)]
            used.setdefault(node.id, set()).add(_SAME.get(mode, mode))
        else:
            handed.add(node.id)
    return {name: modes for name, modes in used.items() if name not in handed}


def compiled_elsewhere() -> list[str]:
    """Uses of `re` other than compilation at import, because these tests would not see such a pattern."""
    files = sorted(Path(next(iter(mailroom.__path__))).rglob("*.py"))
    return [f"{file.name}:{line}" for file in files for line in hidden_uses(file.read_text("utf-8"))]


def hidden_uses(source: str) -> list[int]:
    """The same for one module: its lines."""
    if not re.search(r"\bre\b", source):
        return []
    tree = ast.parse(source)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    within = {id(inner) for node in ast.walk(tree) if isinstance(node, functions) for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.stmt, ast.expr)):
            continue
        renamed = isinstance(node, ast.Import) and any(name.name == "re" and name.asname for name in node.names)
        if renamed or (isinstance(node, ast.ImportFrom) and node.module == "re"):
            found.append(node.lineno)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re":
            at_import = node.attr == "compile" and id(node) not in within
            if not at_import and node.attr not in _NO_PATTERNS:
                found.append(node.lineno)
    return found


def slow_texts(found: Found, *, thorough: bool = False) -> Iterator[str]:
    """The texts that take it more than linear time, by what they repeat.

    Args:
        found: the pattern.
        thorough: whether to try all prefixes with all units, and all characters three by three. Default: the likely ones.
    """
    shape = Shape(found.pattern)
    for mode in found.modes:
        for prefix, unit, suffix in _trials(shape, thorough=thorough):
            if _is_slow(found.pattern, MODES[mode], prefix, unit, suffix):
                yield f"{mode}: {prefix!r} + {unit!r} * n + {suffix!r}"


def _trials(shape: Shape, *, thorough: bool) -> Iterable[tuple[str, str, str]]:
    letters = shape.letters()
    attacks = shape.attacks()
    pairs = [one + other for one, other in itertools.product(letters, letters) if one != other]
    triples = ["".join(three) for three in itertools.product(letters, repeat=3)] if thorough else []
    pieces = [piece for piece in _PIECES if not shape.of_octets or piece.isascii()]
    prefixes = dict.fromkeys(prefix for prefix, _ in attacks)
    trials = dict.fromkeys((prefix, unit) for prefix, unit in attacks)
    trials.update(dict.fromkeys(("", unit) for unit in (*letters, *pairs, *triples, *pieces)))
    trials.update(dict.fromkeys((prefix, unit) for prefix in prefixes for unit in letters))
    if thorough:
        trials.update(dict.fromkeys((prefix, unit) for prefix in prefixes for unit in (*pairs, *pieces)))
    return [(prefix, unit, suffix) for prefix, unit in trials for suffix in _SUFFIXES]


def _is_slow(
    pattern: re.Pattern[Any], use: Callable[[re.Pattern[Any], Any], int], prefix: str, unit: str, suffix: str
) -> bool:
    def prepared(size: int) -> Callable[[], int]:
        text = prefix + unit * (size // len(unit)) + suffix
        subject = text.encode("latin-1") if isinstance(pattern.pattern, bytes) else text
        return lambda: use(pattern, subject)

    run = prepared(_SCREENED)
    with undisturbed():
        begun = time.thread_time()
        matches = run()
        taken = time.thread_time() - begun
    # A square shows at this size already: the rest is only to be sure.
    if taken < _SCREENED * _SECONDS_A_CHARACTER + matches * _SECONDS_A_MATCH:
        return False
    return growth(prepared, _SCREENED // 4, largest=_LARGEST, longest=0.05) > BOUND
