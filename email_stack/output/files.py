"""Writes files for whoever may open them at any time, and beside whoever else may write them."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that others see whole: with what it held before, or with all of `data`.

    It is written under a name of its own beside `path`, and then takes its place; of two writers at once the last one stays. Its
    permissions are those of any new file. A symbolic link stays one, and what it leads to is replaced; what is no file, such as
    /dev/stdout, is written to as it is. Whatever goes wrong, nothing is left behind.

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
    # Not tempfile: what it makes is for its owner alone, and the umask cannot be read without changing it for all threads.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
