"""Build context of the settings API's images: this project and the platform's part of the config."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from email_stack.config import Config
from email_stack.config.platform import platform_of

__all__ = ["DOCKERFILE", "image_context"]

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
DOCKERFILE: Final = "email_stack/image/Dockerfile"
_PACKAGES: Final = ("constructs_lib", "email_stack", "mailroom")
_FILES: Final = ("app.py", "cdk.json")
_LEFT_OUT: Final = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache"})


def image_context(config: Config, cell_id: str) -> Path:
    """A temporary folder with the files of both images, deleted at the end of the process. The same config gives the same files.

    Raises:
        ConfigError: there is no such cell.
    """
    return _folder(json.dumps(platform_of(config, cell_id), indent=1, sort_keys=True))


@cache
def _folder(platform: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="control-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for path in _own_files():
        target = folder / path.relative_to(_ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (folder / "platform.json").write_text(platform + "\n", encoding="utf-8")
    return folder


def _own_files() -> Iterator[Path]:
    yield from (_ROOT / name for name in _FILES)
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*")):
            if path.is_file() and not _LEFT_OUT & set(path.parts) and path.suffix != ".pyc":
                yield path
