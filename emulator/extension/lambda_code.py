"""Functions' code, unpacked once for all processes. A module that one process has compiled, the next one need not compile.

Functions cannot write to their code on AWS, so functions with the same code may share a folder.
`settings.FUNCTION_CODE` names a folder that several emulators may share.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any, Final

from emulator import settings
from emulator.extension import upstream

MODULE = "core.lambda_runtime"
_CODE: Final = "code.zip"
_COMPILED: Final = "__pycache__"
_lock = threading.Lock()


def install() -> None:
    """Unpack a function's code to the shared folder, in the place of ministack's own."""
    upstream.replace(MODULE, "zipfile", _sharing)


def _sharing(_original: Any) -> Any:
    return types.SimpleNamespace(**{**vars(zipfile), "ZipFile": _ZipFile})


class _ZipFile(zipfile.ZipFile):
    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        name = Path(str(self.filename))
        if name.name != _CODE or path is None:
            super().extractall(path, members, pwd)
            return
        shared = _unpacked(self, hashlib.sha256(name.read_bytes()).hexdigest())
        for entry in shared.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


def _unpacked(archive: zipfile.ZipFile, digest: str) -> Path:
    base = Path(os.environ[settings.FUNCTION_CODE])
    shared = base / digest
    with _lock:
        if shared.exists():
            return shared
        # Other emulators may do the same at the same time: whole, or not there.
        with tempfile.TemporaryDirectory(dir=base) as folder, contextlib.suppress(OSError):
            made = Path(folder) / "code"
            zipfile.ZipFile.extractall(archive, made)
            (made / _COMPILED).mkdir(exist_ok=True)
            made.rename(shared)
    return shared
