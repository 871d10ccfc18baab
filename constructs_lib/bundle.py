"""What functions ship that are no images: `mailroom`, and the very releases of its libraries that this installation is locked to.

All of them are plain Python, so they are copied from where they are installed: no docker, no pip, no network, and the same octets
on every machine.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath
from typing import Final

import mailroom

__all__ = ["bundle"]

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
"""Of botocore's descriptions of all of AWS, which are twenty times as big as all else together."""
_OF_MAILROOM: Final = (
    "address_books",
    "announcements",
    "functions",
    "messages",
    "outbox",
    "registry",
    "store",
    "structuring",
    "threads",
    "tracking",
)
_NO_CODE: Final = frozenset({"Dockerfile", ".lock", ".sh", ".conf", ".ndb", ".pyi", ".pyc"})


@cache
def bundle() -> Path:
    """A folder with everything that such a function imports; of this process, and gone with it.

    Raises:
        PackageNotFoundError: a library is not installed.
        RuntimeError: a library has parts that are compiled for this machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="mailroom-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in _DISTRIBUTIONS:
        _copy(distribution(name), folder)
    own = Path(mailroom.__file__).parent
    for path in sorted(own.rglob("*")):
        inner = path.relative_to(own)
        wanted = len(inner.parts) == 1 or inner.parts[0] in _OF_MAILROOM
        if path.is_file() and wanted and _is_code(PurePosixPath(inner.as_posix())):
            _put(path, folder / "mailroom" / inner)
    return folder


def _copy(found: Distribution, folder: Path) -> None:
    for file in found.files or ():
        if file.parts[0].endswith(".dist-info") or file.parts[0] in {"..", "bin"} or not _is_code(file):
            continue
        if file.suffix in {".so", ".pyd", ".dylib"}:
            raise RuntimeError(f"{found.name} {found.version}: {file} is compiled for this machine, not for Lambda's")
        data = file.parts[:2] == ("botocore", "data")
        if data and len(file.parts) > 3 and file.parts[2] not in _SERVICES:
            continue
        _put(Path(str(found.locate_file(file))), folder / file)


def _is_code(file: PurePosixPath) -> bool:
    """Whether it is there to be run or read by what runs; no cache, no packaging."""
    return "__pycache__" not in file.parts and file.suffix not in _NO_CODE and file.name not in _NO_CODE


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
