"""Loads files into a `Config`, or reports all their mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from constructs_lib import names
from email_stack.config.capacity import quota_faults
from email_stack.config.cross_validation import (
    Claim,
    access_faults,
    cell_faults,
    claim_faults,
    tenant_cell_faults,
)
from email_stack.config.document import Document, KeyPath, kind, parsed
from email_stack.config.models import Cell, Config, Tenant
from email_stack.config.problems import ConfigError, Fault, RuleError, closest, shown
from email_stack.config.snapshots import OWNED, Snapshot, SnapshotError, read_snapshot, snapshot_file
from email_stack.config.sources import Sources, read_sources, shown_path
from email_stack.config.translation import Place, problems_of, unknown_key

__all__ = ["load", "load_cells", "load_merged"]

_TOP: Final = ("cells", "tenants")
_SOME_CELL: Final = "none"
"""A valid id in place of an unknown one, so that the checks see the rest of the tenant."""

M = TypeVar("M", bound=BaseModel)


def load(path: Path) -> Config:
    """The config in a file, or in a folder of one file a tenant and `cells.yaml`.

    A tenant with `settings: api` takes the API's fields from its snapshot, `settings/<tenant>.json` beside the file or in the
    folder. Environment, network and AWS play no part.

    Args:
        path: `tenants.yaml`, or the folder.

    Raises:
        ConfigError: the config has mistakes; `problems` has all that were found, sorted by file and line.
    """
    sources = read_sources(path)
    loading = _Loading(sources, lambda tenant: read_snapshot(snapshot_file(path, tenant), tenant))
    cells, tenants = loading.run()
    if loading.problems:
        raise ConfigError(sorted(set(loading.problems), key=lambda p: (p.file, p.line, p.column, p.field, p.message)))
    return Config(cells=cells, tenants=tenants, source=shown_path(path), snapshots=loading.snapshots)


def load_cells(path: Path) -> tuple[Cell, ...]:
    """The valid cells of a config. Other mistakes do not matter, such as a snapshot that is still to be pulled."""
    loading = _Loading(read_sources(path), lambda tenant: read_snapshot(snapshot_file(path, tenant), tenant))
    return loading.cells()


def load_merged(text: str, snapshot: Snapshot) -> Config:
    """The config of a text, with the one snapshot that it needs.

    Raises:
        ConfigError: the config has mistakes.
    """
    document = parsed(text, "platform")
    loading = _Loading(Sources(whole=document), lambda _: snapshot)
    cells, tenants = loading.run()
    if loading.problems:
        raise ConfigError(loading.problems)
    return Config(cells=cells, tenants=tenants, source="platform", snapshots=loading.snapshots)


class _Loading:
    """One run of `load`.

    Args:
        sources: the files.
        snapshot_of: reads a tenant's snapshot.

    Attributes:
        problems: the mistakes found so far.
        snapshots: the snapshots read so far, by tenant.
    """

    def __init__(self, sources: Sources, snapshot_of: Callable[[str], Snapshot]) -> None:
        self.problems = list(sources.problems)
        self.snapshots: dict[str, Snapshot] = {}
        self._snapshot_of = snapshot_of
        self._sources = sources
        self._cell_places: dict[str, Place] = {}
        self._cells_known = False

    def cells(self) -> tuple[Cell, ...]:
        return tuple(self._cells())

    def run(self) -> tuple[tuple[Cell, ...], tuple[Tenant, ...]]:
        cells = tuple(self._cells())
        by_id = {cell.id: cell for cell in cells}
        tenants: list[Tenant] = []
        numbered: list[tuple[int, Tenant]] = []
        claims: list[Claim] = []
        places: list[Place] = []
        for number, (place, data) in enumerate(self._tenant_places()):
            places.append(place)
            tenant = self._tenant(place, data)
            if tenant is None:
                claims.append(_claim_of_raw(number, place, data))
                continue
            tenants.append(tenant)
            numbered.append((number, tenant))
            claims.append(_claim(number, place, tenant))
            if tenant.cell in by_id:
                self.problems += map(place.problem, tenant_cell_faults(tenant, by_id[tenant.cell]))
        encrypted = {one.id for one in tenants if one.encryption or (one.cell in by_id and by_id[one.cell].encryption)}
        between_tenants = (*claim_faults(claims), *access_faults(numbered, encrypted))
        self.problems += (places[number].problem(fault) for number, fault in between_tenants)
        between_cells = (*cell_faults(cells), *quota_faults(cells, tenants))
        self.problems += (self._cell_places[cell_id].problem(fault) for cell_id, fault in between_cells)
        return cells, tuple(tenants)

    def _cells(self) -> Iterator[Cell]:
        document = self._sources.whole or self._sources.cells
        if document is None:
            return
        self._check_top(document)
        if "cells" not in document.data:
            return
        found = document.data["cells"]
        if not isinstance(found, dict) or not found:
            what = "an empty mapping" if found == {} else kind(found)
            fault = Fault(
                f"must be a mapping of at least one cell, got {what}",
                "write it as eu: {region: eu-central-1}",
                ("cells",),
                silent=True,
            )
            self.problems.append(Place(document, (), "", Cell).problem(fault))
            return
        self._cells_known = True
        for cell_id, written in found.items():
            data = written
            place = Place(document, ("cells", cell_id), f"cell {shown(cell_id)}", Cell)
            self._cell_places[cell_id] = place
            if isinstance(written, dict):
                data = {**written, "id": cell_id}
                if "id" in written:
                    fault = Fault("is no key here", "remove it: the key above is the id", ("id",), silent=True)
                    self.problems.append(place.problem(fault))
            cell = self._validated(Cell, place, data)
            if cell is not None:
                yield cell

    def _check_top(self, document: Document) -> None:
        """Check the keys of the whole file, or of the file of cells."""
        folder = self._sources.whole is None
        known = _TOP[:1] if folder else _TOP
        place = Place(document, (), "", Cell)
        for key in document.data:
            if key not in known:
                fault = unknown_key(key, known, (key,))
                if folder and key == "tenants":
                    fault = Fault("is no key of this file", "write a file a tenant beside it", (key,), silent=True)
                self.problems.append(place.problem(fault))
        for key, example in (("cells", "cells: {eu: {region: eu-central-1}}"), ("tenants", "tenants: []")):
            if key in known and key not in document.data:
                self.problems.append(place.problem(Fault(f"{key} is missing", f"add it, as in {example}", silent=True)))

    def _tenant_places(self) -> Iterator[tuple[Place, Any]]:
        document = self._sources.whole
        if document is None:
            for number, found in enumerate(self._sources.tenants):
                yield self._place(found, (), number, found.data), found.data
            return
        listed = document.data.get("tenants", ())
        if not isinstance(listed, tuple):
            remedy = "write each tenant after a hyphen, or [] for none"
            fault = Fault(f"must be a list, got {kind(listed)}", remedy, ("tenants",), silent=True)
            self.problems.append(Place(document, (), "", Tenant).problem(fault))
            return
        for number, data in enumerate(listed):
            yield self._place(document, ("tenants", number), number, data), data

    @staticmethod
    def _place(document: Document, path: KeyPath, number: int, data: Any) -> Place:
        tenant_id = data.get("id") if isinstance(data, dict) else None
        subject = f"tenant {shown(tenant_id)}" if isinstance(tenant_id, str) else f"tenant {number + 1}"
        return Place(document, path, subject, Tenant)

    def _tenant(self, place: Place, data: Any) -> Tenant | None:
        if isinstance(data, dict):
            chosen = data.get("cell")
            if chosen is None and "cell" not in data:
                data = {**data, "cell": self._default_cell(place)}
            elif isinstance(chosen, str) and self._cells_known and chosen not in self._cell_places:
                near = closest(chosen, self._cell_places)
                use = (
                    f'use "{near}"'
                    if near
                    else f"use one of {', '.join(map(shown, self._cell_places))}, or add it to cells"
                )
                self.problems.append(place.problem(Fault("must be a cell of this config", use, ("cell",))))
                data = {**data, "cell": _SOME_CELL}
            if data.get("settings") == "api":
                data = self._with_snapshot(place, data)
                if data is None:
                    return None
        return self._validated(Tenant, place, data)

    def _with_snapshot(self, place: Place, data: dict[str, Any]) -> dict[str, Any] | None:
        """The tenant with the API's fields; None when its snapshot is missing or not valid. Each field has one owner."""
        twice = [name for name in OWNED if name in data]
        remedy = "remove it, or write settings: git and all of it"
        self.problems += [
            place.problem(Fault("is the settings API's, as settings is api", remedy, (name,))) for name in twice
        ]
        tenant_id = data.get("id")
        try:
            snapshot = self._snapshot_of(tenant_id if isinstance(tenant_id, str) else "")
        except SnapshotError as error:
            self.problems.append(place.problem(replace(error.fault, path=("settings",), silent=True)))
            return None
        except RuleError as error:
            self.problems += [place.problem(replace(fault, path=("id",))) for fault in error.faults]
            return None
        if twice:
            return None
        self.snapshots[snapshot.tenant] = snapshot
        return {**data, **snapshot.settings}

    def _default_cell(self, place: Place) -> str:
        if len(self._cell_places) == 1:
            return next(iter(self._cell_places))
        if self._cells_known:
            ids = ", ".join(map(shown, self._cell_places))
            fault = Fault("is missing, and there are several cells", f"name one of {ids}", ("cell",), silent=True)
            self.problems.append(place.problem(fault))
        return _SOME_CELL

    def _validated(self, model: type[M], place: Place, data: Any) -> M | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.problems += problems_of(place, error)
            return None


def _claim(number: int, place: Place, tenant: Tenant) -> Claim:
    reserved = [(tenant.mail_from_domain, "MAIL FROM domain")]
    if tenant.tracking.redirect_domain is not None:
        reserved.append((tenant.tracking.redirect_domain, "redirect domain"))
    return Claim(number, tenant.id, tenant.subdomain, place.where, tuple(reserved))


def _claim_of_raw(number: int, place: Place, data: Any) -> Claim:
    """The claim of a tenant that is not valid, from those of its fields that are."""
    tenant_id, subdomain = (data.get("id"), data.get("subdomain")) if isinstance(data, dict) else (None, None)
    try:
        name = names.tenant_subdomain(subdomain) if isinstance(subdomain, str) else None
    except RuleError:
        name = None
    return Claim(number, tenant_id if isinstance(tenant_id, str) else None, name, place.where)
