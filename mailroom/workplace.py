"""A function's one folder below /tmp, empty at each start.

Lambda kills a runtime that is out of time or memory, and starts the next one in the same sandbox with the same /tmp: a folder of a
new name at each start would fill it.

Source: Lambda developer guide, "Understanding the Lambda execution environment lifecycle", "Failures during the invoke phase".
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["claim_workplace", "workplace"]

_MOST: Final = 1000
_OF_ANOTHER_USER: Final = {errno.EACCES, errno.EEXIST, errno.ELOOP, errno.ENOTDIR}
_EMPTY_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05


def claim_workplace(name: str) -> Path:
    """An emptied folder for this process until its end: NAME-1, or the next one that no living process has.

    In Lambda it is always NAME-1, since a sandbox runs one runtime at a time.

    Args:
        name: one word, the same at each start.

    Raises:
        OSError: the folder cannot be made, or another process goes on writing into it.
    """
    return _claimed(name)[0]


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """The folder of `claim_workplace` for the `with` block, which empties it at its end."""
    folder, descriptor = _claimed(name)
    try:
        yield folder
    finally:
        with suppress(OSError):  # the next start removes the rest
            _empty(folder)
        os.close(descriptor)


def _claimed(name: str) -> tuple[Path, int]:
    """The folder, and its lock, which the kernel releases at the end of the process."""
    for number in range(1, _MOST):
        folder = Path(tempfile.gettempdir()) / f"{name}-{number}"
        descriptor = _locked(folder)
        if descriptor is not None:
            _empty(folder)
            return folder, descriptor
    raise OSError(errno.EBUSY, "is in use, as are all the others", str(folder))


def _locked(folder: Path) -> int | None:
    """The folder, open and locked; None where it belongs to another user, or a living process has it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in _OF_ANOTHER_USER:
            return None
        raise
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _empty(folder: Path) -> None:
    """Empty the folder; repeat while a process that is being killed still writes. Raises OSError."""
    deadline = time.monotonic() + _EMPTY_SECONDS
    while True:
        try:
            for entry in list(folder.iterdir()):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink(missing_ok=True)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return
