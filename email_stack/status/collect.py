"""Reads the state of tenants and their cells: from AWS, a few tenants at a time, then from DNS, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from threading import Lock

from constructs_lib.naming import cell_stack_name, tenant_stack_name
from email_stack.config import Cell, Config, Tenant
from email_stack.config.tenant_records import public_records
from email_stack.dnscheck.model import Report, Subject
from email_stack.operations.aws import AwsError, check_account, stack_outputs
from email_stack.operations.deployed import Deployed, NotDeployedError, read_deployed, tenant_outputs
from email_stack.operations.revisions import Revisions, read_revisions, settings_table
from email_stack.status import judge, sending
from email_stack.status.model import CELL_PARTS, DNS_PARTS, CellStatus, Check, Part, Snapshot, State, TenantStatus
from email_stack.status.reads import AT_ONCE, ActiveRules, CellReader, output_of

__all__ = ["CheckDns", "collect"]

CheckDns = Callable[[Sequence[Subject]], Sequence[Report]]
"""One report a subject, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """Facts for all tenants of a cell.

    Args:
        status: of the cell.
        reader: None if the cell could not be asked, or is not deployed.
        active: active receipt rule set; None if it could not be read.
        refused: reason why the cell cannot be asked; "" if it can.
        turn: SES takes one control-plane request a second of an account: its tenants are read one after the other there.
    """

    status: CellStatus
    reader: CellReader | None = None
    active: ActiveRules | None = None
    refused: str = ""
    turn: Lock = field(default_factory=Lock)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """A tenant before the DNS check; `made` is None if there is nothing to check."""

    status: TenantStatus
    made: Deployed | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A deployed tenant, and the clients for its stack."""

    tenant: Tenant
    reader: CellReader
    outputs: dict[str, str]
    now: datetime

    @property
    def stack(self) -> str:
        return tenant_stack_name(self.tenant.id)

    def output(self, name: str) -> str:
        return output_of(self.outputs, name, self.stack)


def collect(
    config: Config,
    tenants: Sequence[Tenant],
    *,
    check_dns: CheckDns,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Snapshot:
    """The state of these tenants and of their cells, at one moment.

    Never raises for AWS: a refused part is UNKNOWN, with the reason. Shared parts of a cell are read once.

    Args:
        config: as loaded.
        tenants: of it.
        check_dns: checks DNS; not called if there is nothing to check.
        clock: the time now, with a time zone. Default: the machine's.
    """
    now = clock()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cells = [config.cell(name) for name in dict.fromkeys(tenant.cell for tenant in tenants)]
        shared = dict(
            zip((cell.id for cell in cells), pool.map(lambda cell: _read_cell(cell, now), cells), strict=True)
        )
        revisions = _revisions_of(config, tenants)
        read = list(
            pool.map(
                lambda one: _read_tenant(one, config.cell(one.cell), shared[one.cell], now, revisions.get(one.id)),
                tenants,
            )
        )
    return Snapshot(
        at=now,
        cells=tuple(one.status for one in shared.values()),
        tenants=tuple(_with_dns(config, tenants, read, check_dns)),
    )


def _revisions_of(config: Config, tenants: Sequence[Tenant]) -> dict[str, Callable[[], Revisions]]:
    """Readers of the revisions, by tenant whose settings the API owns; the table is looked up once."""
    own = [config.snapshots[one.id] for one in tenants if one.id in config.snapshots]
    try:
        table = settings_table(config.cells) if own else None
    except AwsError as error:
        return dict.fromkeys((one.tenant for one in own), partial(_refuse, error))
    return {one.tenant: partial(read_revisions, config, one, table) for one in own}


def _refuse(error: AwsError) -> Revisions:
    raise error


def _read_cell(cell: Cell, now: datetime) -> _Shared:
    status = CellStatus(cell=cell.id, region=cell.region)
    stack = cell_stack_name(cell.id)
    try:
        check_account(cell)
        outputs = stack_outputs(stack, cell)
        reader = CellReader.of(cell)
    except AwsError as error:
        return _Shared(status=replace(status, checks=_unknown(CELL_PARTS, str(error))), refused=str(error))
    if not outputs:
        missing = (
            f"there is no stack {stack} in {cell.region}"
            if outputs is None
            else f"the first deployment of stack {stack} still runs, or was rolled back"
        )
        return _Shared(status=replace(status, absent=f"{missing}; deploy a tenant of it"))
    checks: dict[Part, Check] = {}
    active: ActiveRules | None = None
    confirmed: datetime | None = None
    with _refusals(checks, Part.RULE):
        active = reader.active_rules()
        checks[Part.RULE] = judge.rule_set(cell, active.name)
    with _refusals(checks, Part.SENDING):
        checks[Part.SENDING] = sending.of_account(cell.region, reader.account_sending())
    with _refusals(checks, Part.DEFINITIONS):
        confirmed = reader.definitions_confirmed(output_of(outputs, "DefinitionsBucketName", stack))
        checks[Part.DEFINITIONS] = judge.definitions(confirmed, now)
    status = replace(status, definitions=confirmed)
    with _refusals(checks, Part.QUEUES):
        status = replace(status, queues=reader.queues(stack))
        checks[Part.QUEUES] = judge.queues(status.queues)
    return _Shared(status=replace(status, checks=_ordered(checks)), reader=reader, active=active)


def _read_tenant(
    tenant: Tenant, cell: Cell, shared: _Shared, now: datetime, revisions: Callable[[], Revisions] | None
) -> _Read:
    status = TenantStatus(tenant=tenant.id, subdomain=tenant.subdomain, cell=cell.id)
    parts = [part for part in Part if part is not Part.SETTINGS or revisions is not None]
    if shared.refused:
        return _Read(status=replace(status, checks=_unknown(parts, shared.refused)))
    try:
        outputs = tenant_outputs(tenant, cell)
    except NotDeployedError as error:
        return _Read(status=replace(status, absent=str(error).removeprefix(f'tenant "{tenant.id}": ')))
    except AwsError as error:
        return _Read(status=replace(status, checks=_unknown(parts, str(error))))
    if shared.reader is None:
        # Its own stack exists without the cell's stack: the cell was renamed in the config.
        return _Read(status=replace(status, checks=_unknown(parts, shared.status.absent)))
    checks: dict[Part, Check] = {}
    if revisions is not None:
        with _refusals(checks, Part.SETTINGS):
            checks[Part.SETTINGS] = judge.settings(tenant.id, revisions())
    made = _identity(tenant, cell, shared, checks)
    _rule(tenant, cell, shared, checks)
    _sending(tenant, shared, shared.reader, checks)
    # A scanner of the tenant's own loads the cell's definitions, too: email_stack.stacks.tenant_stack.
    checks[Part.DEFINITIONS] = shared.status.checks[Part.DEFINITIONS]
    asked = _Asked(tenant=tenant, reader=shared.reader, outputs=outputs, now=now)
    return _Read(status=_of_the_stack(asked, status, checks), made=made)


def _identity(tenant: Tenant, cell: Cell, shared: _Shared, checks: dict[Part, Check]) -> Deployed | None:
    parts = DNS_PARTS if tenant.dns == "delegated" else DNS_PARTS[1:]
    with _refusals(checks, *parts):
        try:
            with shared.turn:
                return read_deployed(tenant, cell)
        except NotDeployedError as error:
            checks |= {part: Check(state=State.ABSENT, reason=str(error)) for part in parts}
    return None


def _rule(tenant: Tenant, cell: Cell, shared: _Shared, checks: dict[Part, Check]) -> None:
    if shared.active is None:
        checks[Part.RULE] = shared.status.checks[Part.RULE]
    else:
        checks[Part.RULE] = judge.rule(tenant, cell, shared.active.enabled, shared.active.name)


def _sending(tenant: Tenant, shared: _Shared, reader: CellReader, checks: dict[Part, Check]) -> None:
    with _refusals(checks, Part.SENDING):
        with shared.turn:
            status = reader.tenant_sending(tenant.id)
        checks[Part.SENDING] = sending.of_tenant(tenant, status, shared.status.checks[Part.SENDING])


def _of_the_stack(asked: _Asked, status: TenantStatus, checks: dict[Part, Check]) -> TenantStatus:
    tenant, reader, now = asked.tenant, asked.reader, asked.now
    with _refusals(checks, Part.REPUTATION):
        rates = reader.rates(asked.output("ConfigurationSetName"), now)
        checks[Part.REPUTATION] = sending.reputation(tenant, rates)
        status = replace(status, rates=rates)
    with _refusals(checks, Part.ALERTS):
        found = reader.subscriptions(asked.output("AlertsTopicArn"))
        checks[Part.ALERTS] = judge.alerts(tenant.alerts, found.confirmed, found.unconfirmed)
        told = sum(address in found.confirmed for address in tenant.alerts)
        status = replace(status, alerts=(told, len(tenant.alerts)))
    with _refusals(checks, Part.QUEUES):
        status = replace(status, queues=reader.queues(asked.stack))
        checks[Part.QUEUES] = judge.queues(status.queues)
    with _refusals(checks, Part.LAST_IN, Part.LAST_OUT):
        last = reader.last_mail(table=asked.output("MessagesTableName"), bucket=asked.output("BucketName"))
        status = replace(status, last_in=last.received, last_out=last.sent)
        checks |= {Part.LAST_IN: judge.last_mail(last.received, now), Part.LAST_OUT: judge.last_mail(last.sent, now)}
    with _refusals(checks, Part.HELD):
        messages = reader.held(asked.output("BucketName"))
        checks[Part.HELD] = judge.held(messages, now)
        status = replace(status, held=dict(sorted(Counter(one.verdict for one in messages).items())))
    return replace(status, checks=_ordered(checks))


def _with_dns(
    config: Config, tenants: Sequence[Tenant], read: Sequence[_Read], check_dns: CheckDns
) -> Iterator[TenantStatus]:
    subjects = {
        tenant.id: Subject(
            subdomain=tenant.subdomain,
            records=public_records(
                tenant, config.cell(tenant.cell), dkim=one.made.dkim, name_servers=one.made.name_servers
            ),
            ses=one.made.ses,
        )
        for tenant, one in zip(tenants, read, strict=True)
        if one.made is not None
    }
    reports = dict(zip(subjects, check_dns(list(subjects.values())), strict=True)) if subjects else {}
    for one in read:
        report = reports.get(one.status.tenant)
        found = judge.dns(report) if report is not None else {}
        yield replace(one.status, checks=_ordered({**one.status.checks, **found}))


@contextmanager
def _refusals(checks: dict[Part, Check], *parts: Part) -> Iterator[None]:
    """Record a refusal by AWS as the reason of these parts; others continue."""
    try:
        yield
    except AwsError as error:
        checks |= _unknown(parts, str(error))


def _unknown(parts: Iterable[Part], reason: str) -> dict[Part, Check]:
    return dict.fromkeys(parts, Check(state=State.UNKNOWN, reason=reason))


def _ordered(checks: dict[Part, Check]) -> dict[Part, Check]:
    return {part: checks[part] for part in Part if part in checks}
