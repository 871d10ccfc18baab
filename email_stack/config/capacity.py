"""Compares the resources that tenants and cells need with AWS's quotas. Pure.

The needs of a tenant stand here alone; a test counts them in the synthesized templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from email_stack.config.control import API_REQUESTS_A_SECOND
from email_stack.config.cross_validation import receipt_rules_of
from email_stack.config.models import Cell, Config, Tenant
from email_stack.config.problems import Fault
from email_stack.config.quotas import QUOTAS, SPARE_RECEIPT_RULES, Quota, default_limit

__all__ = [
    "QuotaUsage",
    "all_needed",
    "cell_needs",
    "control_needs",
    "customer_needs",
    "quota_faults",
    "quota_usage",
    "tenant_needs",
]

_FUNCTION_MIB: Final = 3
"""Zipped code of one function. Lambda counts no images, so the scanner's takes none."""
_MIRROR_MEMORY_MIB: Final = 3008
_WORKER_CONCURRENCY: Final = 5
"""Concurrent executions of a function with a queue; the scanner has its own figure."""

_CELL: Final[Mapping[str, int]] = {
    "event_rules": 5,  # two start the mirror; one each takes SES's events, tenants' deployments, and what SES paused
    "buckets": 2,  # for access logs and for definitions
    "stacks": 1,
    "iam_roles": 9,
    "alarms": 13,
    "code_storage_mib": 1 + 4 * _FUNCTION_MIB,
    "topics": 2,  # for alarms, and for what SES tells of mail
    "log_groups": 6,
    "kms_keys": 1,
}
_CONTROL: Final[Mapping[str, int]] = {
    "api_requests": API_REQUESTS_A_SECOND,
    "concurrent_executions": 3,  # a request, a look, and the synthesis that it waits for
    "event_rules": 2,
    "buckets": 1,
    "stacks": 1,
    "iam_roles": 6,
    "alarms": 8,
    "tables": 1,
    "http_apis": 1,
    "log_groups": 5,
}
"""The stack of a settings API."""
_CUSTOMER: Final[Mapping[str, int]] = {"concurrent_executions": _WORKER_CONCURRENCY}
"""One tenant of a customer's, which a config need not list: what does not add up, but counts once."""
_TENANT: Final[Mapping[str, int]] = {
    "identities": 1,
    "configuration_sets": 1,
    "ses_tenants": 1,
    "buckets": 1,
    "stacks": 1,
    "iam_roles": 1,
    "alarms": 2,
    "tables": 1,
    "code_storage_mib": _FUNCTION_MIB,
    "topics": 1,
    "log_groups": 1,
}
_OWN_SCANNER: Final[Mapping[str, int]] = {"iam_roles": 1, "alarms": 6, "topics": 1, "log_groups": 1}
_OWN_DELEGATION: Final[Mapping[str, int]] = {"stacks": 1, "iam_roles": 1, "code_storage_mib": 1}
"""The stack that writes into a parent zone of another account."""

_LARGEST: Final = frozenset({"function_memory_mib"})
"""Quotas that limit each function by itself: the largest need counts."""

_LARGEST_OF_TENANTS: Final = frozenset({"concurrent_executions"})
"""Quotas that need the cell's figure and its largest tenant's: tenants are seldom busy at the same time."""


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """The use of one quota by a cell and its tenants; of an account-wide quota, by all cells of the account.

    Args:
        name: as in `Quotas`.
        used: by the config. Other resources of the account are unknown here.
        limit: the quota, less the spare part.
    """

    name: str
    used: int
    limit: int


def tenant_needs(tenant: Tenant, cell: Cell) -> dict[str, int]:
    """The tenant's need of each quota, by its name in `Quotas`."""
    parent = tenant.parent_zone
    needs = {
        **_TENANT,
        "receipt_rules": receipt_rules_of(tenant, cell),
        "hosted_zones": int(tenant.dns == "delegated"),
        "pending_subscriptions": len(tenant.alerts),
        "concurrent_executions": _WORKER_CONCURRENCY,
    }
    if tenant.scanning.mode == "dedicated":
        recall = int(cell.scanner.recall_days > 0)
        _add(needs, {**_OWN_SCANNER, "event_rules": recall, "function_memory_mib": cell.scanner.memory_mib})
        needs["concurrent_executions"] = max(_WORKER_CONCURRENCY, cell.scanner.max_concurrency)
    if parent is not None and parent.delegation_role_arn is not None:
        _add(needs, _OWN_DELEGATION)
    return needs


def cell_needs(cell: Cell) -> dict[str, int]:
    """The cell stack's own need of each quota, without its tenants'."""
    return {
        **_CELL,
        "event_rules": _CELL["event_rules"] + (cell.scanner.recall_days > 0),
        "alarms": _CELL["alarms"] + (cell.scanner.definitions_source is not None),
        "pending_subscriptions": len(cell.alerts),
        "function_memory_mib": max(cell.scanner.memory_mib, _MIRROR_MEMORY_MIB),
        "concurrent_executions": max(_WORKER_CONCURRENCY, cell.scanner.max_concurrency),
    }


def control_needs(cell: Cell) -> dict[str, int]:
    """What the cell's settings API takes; nothing without one."""
    if cell.control is None:
        return {}
    return {**_CONTROL, "api_domains": int(cell.control.domain is not None)}


def customer_needs(cell: Cell) -> Mapping[str, int]:
    """What a customer's tenant takes by itself, of what does not add up over tenants; nothing without a settings API."""
    return _CUSTOMER if cell.control is not None else {}


def quota_usage(config: Config, cell_id: str) -> tuple[QuotaUsage, ...]:
    """The config's use of each quota of a cell.

    IAM roles, hosted zones and buckets count by account: cells of the same account add up.

    Raises:
        ConfigError: there is no such cell.
    """
    cell = config.cell(cell_id)
    count = _Count(config.cells, config.tenants)
    return tuple(QuotaUsage(name, _needed(count, name, cell), count.limit(name, cell)) for name in QUOTAS)


def quota_faults(cells: Sequence[Cell], tenants: Sequence[Tenant]) -> Iterator[tuple[str, Fault]]:
    """Each quota that is too low, once, with the id of the cell to report it at."""
    count = _Count(cells, tenants)
    accounts: set[str | None] = set()
    for cell in cells:
        for name, quota in QUOTAS.items():
            if quota.account_wide and cell.account in accounts:
                continue
            used, limit = _needed(count, name, cell), count.limit(name, cell)
            if used > limit:
                teller = count.teller(name, cell)
                yield teller.id, _fault(name, used, limit, teller, count)
        accounts.add(cell.account)


class _Count:
    """The needs of cells and tenants, looked up by cell.

    Args:
        cells: all of the config.
        tenants: all of the config; a tenant of an unknown cell does not count.
    """

    def __init__(self, cells: Sequence[Cell], tenants: Sequence[Tenant]) -> None:
        self._cells = {cell.id: cell for cell in cells}
        self._of_cells = {cell.id: cell_needs(cell) for cell in cells}
        for cell in cells:
            _add(self._of_cells[cell.id], control_needs(cell))
        self._of_tenants: dict[str, list[tuple[int, dict[str, int]]]] = {cell.id: [] for cell in cells}
        for number, tenant in enumerate(tenants):
            if tenant.cell in self._cells:
                needs = tenant_needs(tenant, self._cells[tenant.cell])
                self._of_tenants[tenant.cell].append((number, needs))

    def sharing(self, name: str, cell: Cell) -> list[Cell]:
        """The cells that share the quota with this one, in the config's order. Cells without an account share one."""
        if not QUOTAS[name].account_wide:
            return [cell]
        return [other for other in self._cells.values() if other.account == cell.account]

    def of_cells(self, name: str, cell: Cell) -> list[int]:
        """The own need of each cell that shares the quota."""
        return [self._of_cells[other.id].get(name, 0) for other in self.sharing(name, cell)]

    def of_tenants(self, name: str, cell: Cell) -> list[int]:
        """The need of each tenant of these cells, in the config's order."""
        found = [one for other in self.sharing(name, cell) for one in self._of_tenants[other.id]]
        return [needs.get(name, 0) for _, needs in sorted(found, key=lambda one: one[0])]

    def of_customers(self, name: str, cell: Cell) -> list[int]:
        """What a customer's tenant takes in each of the cells that have a settings API."""
        return [customer_needs(other).get(name, 0) for other in self.sharing(name, cell)]

    def limit(self, name: str, cell: Cell) -> int:
        """The usable part. Cells of one account share a quota, so the highest figure in the config counts; else AWS's default."""
        written = [getattr(other.quotas, name) for other in self._writing(name, cell)]
        limit = max(written) if written else default_limit(name, cell.region)
        return limit - (SPARE_RECEIPT_RULES if name == "receipt_rules" else 0)

    def teller(self, name: str, cell: Cell) -> Cell:
        """The cell to report a problem at: the first that sets the quota, else the first."""
        return next(iter(self._writing(name, cell)), self.sharing(name, cell)[0])

    def _writing(self, name: str, cell: Cell) -> list[Cell]:
        return [
            other
            for other in self.sharing(name, cell)
            if name in other.quotas.model_fields_set and getattr(other.quotas, name) is not None
        ]


def _needed(count: _Count, name: str, cell: Cell) -> int:
    """The whole need of a quota, in the cell or its account."""
    tenants = [*count.of_tenants(name, cell), *count.of_customers(name, cell)]
    return all_needed(name, count.of_cells(name, cell), tenants)


def all_needed(name: str, cells: Iterable[int], tenants: Iterable[int]) -> int:
    """The whole need of a quota, from the needs of cells and tenants. Most quotas add them up."""
    return _with(name, _of_cells(name, cells), _of_tenants(name, tenants))


def _of_cells(name: str, needs: Iterable[int]) -> int:
    return max(needs, default=0) if name in _LARGEST else sum(needs)


def _of_tenants(name: str, needs: Iterable[int]) -> int:
    return max(needs, default=0) if name in _LARGEST | _LARGEST_OF_TENANTS else sum(needs)


def _with(name: str, cells: int, tenants: int) -> int:
    return max(cells, tenants) if name in _LARGEST else cells + tenants


def _fault(name: str, used: int, limit: int, cell: Cell, count: _Count) -> Fault:
    quota = QUOTAS[name]
    spare = f" ({SPARE_RECEIPT_RULES} are kept spare)" if name == "receipt_rules" else ""
    tenants = count.of_tenants(name, cell)
    fit = _fitting(name, count.of_cells(name, cell), tenants, limit)
    return Fault(
        f"must cover the tenants: {used} {quota.what} needed in {_scope(quota, cell)}, {limit} usable{spare}, "
        f"{fit} of {len(tenants)} tenants fit",
        _remedy(name, quota, cell),
        ("quotas", name),
        silent=True,
    )


def _fitting(name: str, cells: Sequence[int], tenants: Sequence[int], limit: int) -> int:
    """The number of tenants that fit, from the first on."""
    own, taken = _of_cells(name, cells), 0
    if own > limit:
        return 0
    for number, needed in enumerate(tenants):
        taken = _of_tenants(name, (taken, needed))
        if _with(name, own, taken) > limit:
            return number
    return len(tenants)


def _scope(quota: Quota, cell: Cell) -> str:
    account = f"account {cell.account}" if cell.account is not None else "the account of the credentials"
    return f"{account}, all regions together" if quota.account_wide else f"{cell.region} of {account}"


def _remedy(name: str, quota: Quota, cell: Cell) -> str:
    elsewhere = "another account" if quota.account_wide else "a cell in another account or region"
    if not quota.raisable:
        return f"move tenants to {elsewhere}, as AWS does not raise this quota"
    # AWS takes requests for IAM, Route 53 and S3 in one region alone.
    region = "us-east-1" if quota.account_wide else cell.region
    setting = f"lower {quota.setting} of this cell, " if quota.setting else ""
    return (
        f"{setting}move tenants to {elsewhere}, or ask for more in Service Quotas ({quota.service}, {region}) and write what AWS "
        f"granted as quotas.{name} of this cell"
    )


def _add(needs: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        needs[name] = needs.get(name, 0) + count
