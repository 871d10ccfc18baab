"""Writes files atomically, for readers that open them at any time, and beside other writers."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically: readers see the former content, or all of `data`.

    The data is written to a new file beside `path`, which then replaces it; of two concurrent writers the last one wins. Its
    permissions are those of any new file. A symbolic link stays one, and its target is replaced; a path that is no file, such as
    /dev/stdout, is written directly. A failure leaves no file behind.

    Raises:
        OSError: the folder is not there or not writable, the disk is full, or `path` is a folder.
    """
    target = Path(os.path.realpath(path))
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(target.stat().st_mode):
            with path.open("wb") as device:
                device.write(data)
            return
    beside = target.with_name(f".email-stack-{secrets.token_hex(8)}")
    # Not tempfile: its files are for their owner only, and the umask cannot be read without changing it for all threads.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
