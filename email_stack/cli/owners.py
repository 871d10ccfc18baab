"""Changes the owner of a tenant's settings in the config's text, from the settings API to the config, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from email_stack.config.document import Document, KeyPath, parsed, read
from email_stack.config.sources import CELLS_FILES, shown_path

__all__ = ["OwnerError", "file_of", "with_git_owner"]

_OWNER: Final = re.compile(r"""settings[ \t]*:[ \t]*(?:api\b|"api"|'api')""")


class OwnerError(ValueError):
    """A program cannot change the text; the error has the text to write by hand."""


def file_of(config: Path, tenant: str) -> tuple[Path, KeyPath]:
    """The file of a tenant, and where in it the tenant is. Raises DocumentError; OwnerError: no file has it."""
    if not config.is_dir():
        for number, one in enumerate(read(config, shown_path(config)).data.get("tenants", ())):
            if isinstance(one, Mapping) and one.get("id") == tenant:
                return config, ("tenants", number)
        raise OwnerError(f'tenant "{tenant}": is not in {shown_path(config)}')
    for path in sorted(config.iterdir()):
        listed = path.suffix in {".yaml", ".yml"} and path.name not in CELLS_FILES and not path.name.startswith(".")
        if listed and read(path, shown_path(path)).data.get("id") == tenant:
            return path, ()
    raise OwnerError(f'tenant "{tenant}": has no file in {shown_path(config)}')


def with_git_owner(document: Document, where: KeyPath, values: Mapping[str, Any]) -> str:
    """The text with `settings: git` and these values in place of `settings: api`, comments and all else as they are.

    Args:
        document: of the file.
        where: the tenant.
        values: the API's fields, as in JSON.

    Raises:
        OwnerError: the text has a form that cannot be changed here.
    """
    entries = ["settings: git", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]
    place = document.position((*where, "settings"))
    lines = document.text.splitlines(keepends=True)
    before = "".join(lines[: place.line - 1]) + lines[place.line - 1][: place.column - 1]
    rest = document.text[len(before) :]
    found = _OWNER.match(rest)
    wanted = _replaced(document.data, where, {"settings": "git", **_as_read(values)})
    # In a block, each on a line of its own; in braces, between commas.
    for between in ("\n" + " " * (place.column - 1), ", "):
        if found is None:
            break
        text = before + between.join(entries) + rest[found.end() :]
        try:
            if parsed(text, document.file).data == wanted:
                return text
        except ValueError:
            continue
    by_hand = "\n".join(f"  {one}" for one in entries)
    raise OwnerError(
        f"{document.file}:{place.line}:{place.column}: settings: cannot be changed as it is written; write in its place\n{by_hand}"
    )


def _replaced(data: Any, where: KeyPath, values: Mapping[str, Any]) -> Any:
    if not where:
        return {**data, **values}
    key, *more = where
    if isinstance(data, tuple):
        return tuple(_replaced(one, tuple(more), values) if number == key else one for number, one in enumerate(data))
    return {**data, key: _replaced(data[key], tuple(more), values)}


def _as_read(value: Any) -> Any:
    """JSON's lists as the reader of YAML gives them."""
    if isinstance(value, Mapping):
        return {key: _as_read(one) for key, one in value.items()}
    return tuple(map(_as_read, value)) if isinstance(value, list) else value
