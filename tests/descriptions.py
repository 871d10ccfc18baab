"""botocore's descriptions of AWS, parsed once in a process: hundreds of sessions would each parse megabytes of JSON."""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import JSONFileLoader

__all__ = ["share_descriptions"]


def share_descriptions() -> None:
    """Have all sessions of this process share what each would keep for itself."""
    read = JSONFileLoader.load_file
    reader = JSONFileLoader()

    @functools.cache
    def shared(path: str) -> Any:
        return read(reader, path)

    JSONFileLoader.load_file = lambda _self, file_path: shared(file_path)  # type: ignore[method-assign, assignment]
