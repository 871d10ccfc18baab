"""Public names of a package, each imported on first use. Pure.

A package writes its names once, as imports that type checkers read:

    if TYPE_CHECKING:
        from mailroom.errors import MailroomError as MailroomError
    else:
        __getattr__, __dir__ = lazy_imports(__name__)

At run time the same lines are read from the package's source, at the first use of a name. So `import mailroom` loads nothing, and a
Lambda function loads only its own imports. Source: PEP 562; PEP 484, "Stub Files", on `import X as X`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

__all__ = ["lazy_imports"]


def lazy_imports(package: str, *, extra: str = "") -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package that imports its public names under `if TYPE_CHECKING:`.

    `__getattr__` knows `__all__`, too. Both raise ImportError where the package's source is not installed.

    Args:
        package: its `__name__`.
        extra: the extra of the distribution with the package's imports. Default: none, each installation has them.
    """

    @cache
    def origins() -> dict[str, tuple[str, str]]:
        return dict(sorted(_public_imports(package)))

    def get(name: str) -> object:
        if name == "__all__":
            return list(origins())
        if name.startswith("_") or name not in origins():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, own_name = origins()[name]
        try:
            found: object = getattr(import_module(module), own_name)
        except ModuleNotFoundError as error:
            if extra:
                error.add_note(f'{package}: run pip install "email-subdomain-platform[{extra}]"')
            raise
        # The next look-up needs no call of this function.
        setattr(sys.modules[package], name, found)
        return found

    return get, lambda: list(origins())


def _public_imports(package: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Public names, each with its module and its name there."""
    # Lambda functions import the package, but no public name.
    import ast  # noqa: PLC0415
    from importlib.abc import InspectLoader  # noqa: PLC0415

    spec = sys.modules[package].__spec__
    loader = spec.loader if spec is not None else None
    source = loader.get_source(package) if isinstance(loader, InspectLoader) else None
    if source is None:
        raise ImportError(f"package {package}: source must be installed, got compiled files alone; install the wheel")
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            for one in statement.body:
                if isinstance(one, ast.ImportFrom) and one.module is not None:
                    for alias in one.names:
                        if alias.asname is not None:
                            yield alias.asname, (one.module, alias.name)
