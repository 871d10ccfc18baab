"""The code of functions: the imported modules of `mailroom`; for zipped functions also the libraries, in their locked releases.

All of it is plain Python, so it is copied from this installation, without Docker, pip and network. The bytes are the same on every
machine.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath
from typing import Final

import mailroom

__all__ = ["bundle", "image_context"]

_MAILROOM: Final = Path(mailroom.__file__).parent
_DISTRIBUTIONS: Final = (
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "typing-extensions",
    "urllib3",
    "webencodings",
)
_SERVICES: Final = frozenset({"cloudformation", "dynamodb", "events", "s3", "sesv2", "sqs", "ssm", "sts"})
"""The used ones of botocore's descriptions of services. All of them are twenty times as big as the rest of the code."""
_NO_CODE: Final = frozenset({"Dockerfile", ".lock", ".sh", ".conf", ".ndb", ".pyi", ".pyc"})


@cache
def bundle(entry: str, *, libraries: bool = True) -> Path:
    """A temporary folder with all that a function imports. It is deleted at the end of the process.

    Args:
        entry: module of the function's handler, such as "mailroom.functions.tracking". The bundle has the modules that it imports,
            directly or indirectly: a change of others redeploys no function.
        libraries: whether it has the libraries as well. Default: True. Without them, the function has Lambda's own boto3.

    Raises:
        PackageNotFoundError: a library is not installed.
        RuntimeError: a library has compiled parts.
    """
    folder = _new_folder()
    for source, place in _libraries().items() if libraries else ():
        _put(source, folder / place)
    for path in _own_files([entry]):
        if path.suffix not in _NO_CODE:
            _put(path, folder / "mailroom" / path.relative_to(_MAILROOM))
    return folder


@cache
def image_context(*entries: str) -> Path:
    """The build context of the functions' image: `image/`, and the modules of `mailroom` that they import. Temporary as well.

    Args:
        entries: modules of the handlers in the image.
    """
    folder = _new_folder()
    for path in [*_own_files(entries), *(_MAILROOM / "image").iterdir()]:
        _put(path, folder / path.relative_to(_MAILROOM))
    return folder


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mailroom-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _own_files(entries: Sequence[str]) -> list[Path]:
    return sorted({file for module in _imported(entries) for file in _files(module)})


def _imported(entries: Sequence[str]) -> set[str]:
    """Modules of `mailroom` that these import, at their own import or later, directly or indirectly."""
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in found or not _is_module(name):
            continue
        found.add(name)
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[: count + 1]) for count in range(len(parents))]
        waiting += _imports(_source(name))
    return found


@cache
def _imports(source: Path) -> frozenset[str]:
    """Names in a file's imports that begin with `mailroom`. A string with a module's name counts as an import."""
    found: set[str] = set()
    for node in _walked(ast.parse(source.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return frozenset(name for name in found if name.startswith("mailroom"))


def _walked(tree: ast.AST) -> Iterator[ast.AST]:
    """The node and all nodes in it that may import or be a string, without those for type checkers alone."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _source(module: str) -> Path:
    path = _MAILROOM.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == "mailroom" and _source(name).is_file()


def _files(module: str) -> Iterator[Path]:
    """The module's file; of a package, its data files as well."""
    source = _source(module)
    yield source
    if source.name == "__init__.py":
        yield from (path for path in source.parent.iterdir() if path.is_file() and path.suffix != ".py")


@cache
def _libraries() -> dict[Path, PurePosixPath]:
    """The files of the libraries, each with its place in a bundle."""
    return {
        Path(str(found.locate_file(file))): file
        for name in _DISTRIBUTIONS
        for found in [distribution(name)]
        for file in _code(found)
    }


def _code(found: Distribution) -> Iterator[PurePosixPath]:
    for file in found.files or ():
        if file.parts[0].endswith(".dist-info") or file.parts[0] in {"..", "bin"} or not _is_code(file):
            continue
        if file.suffix in {".so", ".pyd", ".dylib"}:
            raise RuntimeError(f"{found.name} {found.version}: {file} is compiled for this machine, not for Lambda's")
        data = file.parts[:2] == ("botocore", "data")
        if data and len(file.parts) > 3 and file.parts[2] not in _SERVICES:
            continue
        yield file


def _is_code(file: PurePosixPath) -> bool:
    """Whether the file is code or its data, not a cache or metadata of the package."""
    return "__pycache__" not in file.parts and file.suffix not in _NO_CODE and file.name not in _NO_CODE


_COPIES: Final[dict[Path, Path]] = {}


def _put(source: Path, target: Path) -> None:
    """Copy a file; again, by a second name of the first copy, where the file system has such."""
    target.parent.mkdir(parents=True, exist_ok=True)
    first = _COPIES.setdefault(source, target)
    if first is not target:
        with contextlib.suppress(OSError):
            os.link(first, target)
            return
    shutil.copy(source, target)
