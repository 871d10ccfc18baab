"""Resources that a stack's deletion takes and leaves, by the deployed template, and differences from the config. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from email_stack.transitions.resources import DATA, Template, keeps, told

__all__ = ["Change", "Removal", "changes_of_removal", "removal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """Effects of a stack's deletion on its resources.

    Args:
        deleted: kinds of deleted resources, with their number if not one.
        kept: kinds of kept resources, likewise.
        tables: logical ids of deleted tables, which must not be protected.
        buckets: logical ids of deleted buckets, which must be empty.
        zones: logical ids of deleted zones, which must not be delegated any more.
    """

    deleted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As a clause about the deletion: what it keeps, and what it deletes."""
        parts = [f"keeps its {_listed(self.kept)}"] if self.kept else []
        parts += [f"deletes its {_listed(self.deleted)}"] if self.deleted else []
        return ", and ".join(parts) or "finds nothing that holds data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A resource with data that a deletion treats differently by the deployed and the new template.

    Args:
        logical_id: its logical id.
        kind: such as "bucket".
        deployed: whether the deployed template keeps it.
        wanted: whether the new template keeps it; None if that lacks it.
    """

    logical_id: str
    kind: str
    deployed: bool
    wanted: bool | None

    @property
    def text(self) -> str:
        """One clause."""
        said = {True: "is kept", False: "is deleted", None: "is none"}
        return f"its {self.kind} {said[self.deployed]} by the deployed stack, and {said[self.wanted]} by the config"


def removal(deployed: Template) -> Removal:
    """The effects of deleting the stack."""
    known = list(told(deployed))
    going = [(logical_id, kind) for logical_id, resource, kind in known if not keeps(resource)]
    return Removal(
        deleted=_counted(kind for _logical_id, kind in going),
        kept=_counted(kind for _logical_id, resource, kind in known if keeps(resource)),
        tables=tuple(logical_id for logical_id, kind in going if kind == "table"),
        buckets=tuple(logical_id for logical_id, kind in going if kind == "bucket"),
        zones=tuple(logical_id for logical_id, kind in going if kind == "hosted zone"),
    )


def changes_of_removal(deployed: Template, wanted: Template) -> tuple[Change, ...]:
    """Differences between a deletion of data now and one after `wanted` is deployed.

    Only deployed resources count. A resource that `wanted` lacks is a difference if it is deleted, because the config does not show
    it. If it is kept, it is no difference.
    """
    after = {logical_id: keeps(resource) for logical_id, resource, _kind in told(wanted)}
    found = []
    for logical_id, resource, kind in told(deployed):
        kept, would = keeps(resource), after.get(logical_id)
        if kind in DATA and kept is not would and not (kept and would is None):
            found.append(Change(logical_id=logical_id, kind=kind, deployed=kept, wanted=would))
    return tuple(found)


def _counted(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(kind if count == 1 else f"{count} {kind}s" for kind, count in sorted(Counter(kinds).items()))


def _listed(kinds: tuple[str, ...]) -> str:
    *rest, last = kinds
    return f"{', '.join(rest)} and {last}" if rest else last
