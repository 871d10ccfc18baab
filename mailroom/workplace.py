"""The one folder below /tmp that a function works in, empty at each start.

Lambda ends a runtime that is out of time or memory, and starts the next one in the same sandbox, where /tmp is as it was left: a
folder of a new name at each start would fill it.

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
_SOMEBODY_ELSE: Final = {errno.EACCES, errno.EEXIST, errno.ELOOP, errno.ENOTDIR}
_EMPTY_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05


def claim_workplace(name: str) -> Path:
    """A folder that is this process's until it ends: NAME-1, or the first after it that no living process has; emptied.

    In Lambda it is always NAME-1, since a sandbox runs one runtime at a time.

    Args:
        name: one word, the same at each start.

    Raises:
        OSError: the folder cannot be made, or somebody goes on writing into it.
    """
    return _claimed(name)[0]


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """As `claim_workplace`, for as long as the block lasts; it is empty again then."""
    folder, descriptor = _claimed(name)
    try:
        yield folder
    finally:
        with suppress(OSError):  # what stays is removed at the next start
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
    """The folder, open and locked; None where it is somebody else's, or a living process has it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in _SOMEBODY_ELSE:
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
    """Remove what is in it; again while somebody who is being ended still writes. Raises OSError."""
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
