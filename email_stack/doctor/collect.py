"""Asks all questions about cells and this machine: AWS several at a time, DNS all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from constructs_lib.encryption import Home
from constructs_lib.naming import cell_stack_name, control_stack_name, tenant_stack_name
from email_stack.config import Cell, Config, Tenant
from email_stack.config.sections import ParentZone
from email_stack.doctor import judge, machine
from email_stack.doctor.keys import judge_key
from email_stack.doctor.model import CellDiagnosis, Diagnosis, Line, State, Verdict
from email_stack.doctor.needs import LARGEST, Need, memory_needed, needs
from email_stack.doctor.reads import AccountReader, HostedZone
from email_stack.doctor.sources import SOURCES
from email_stack.operations.aws import AwsError, RegionError, check_credentials
from email_stack.synthesis.toolchain import ToolchainError

__all__ = ["ReadServers", "diagnose", "quota_lines"]

ReadServers = Callable[[Sequence[str]], Mapping[str, tuple[str, ...] | str | None]]
"""Name servers by domain; None where the domain does not exist, a reason where no resolver answered."""

_AT_ONCE: Final = 8
_SCANNER_ROLE: Final = "ScannerRoleArn"
_TABLES_ROLES: Final = ("TrackingRoleArn", "AddressBooksRoleArn")
"""Outputs of a cell's stack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A cell whose account the credentials are for; `made` is None when the deployed stacks could not be read."""

    cell: Cell
    account: str
    reader: AccountReader
    made: frozenset[str] | None
    refused: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Check:
    """One question: its id, its request and its judge. A refusal of AWS makes it UNKNOWN and stops no other question."""

    check: str
    answer: Callable[[], Verdict]
    about: str = ""

    def line(self) -> Line:
        try:
            verdict = self.answer()
        except AwsError as error:
            verdict = Verdict(state=State.UNKNOWN, said=str(error))
        return Line(check=self.check, about=self.about, verdict=verdict)


def diagnose(
    config: Config,
    cells: Sequence[Cell],
    *,
    read_servers: ReadServers,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Diagnosis:
    """Diagnose this machine and these cells. Changes nothing, and never raises for AWS.

    Args:
        config: as loaded.
        cells: of it.
        read_servers: asks DNS for name servers; not called without a domain to ask for.
        clock: the time now, with a time zone. Default: the machine's.
    """
    now = clock()
    tenants = [tenant for tenant in config.tenants if tenant.cell in {cell.id for cell in cells}]
    domains = sorted({zone.zone_name for zone in _parents(tenants)})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        places, lines = _places(cells, pool)
        served = read_servers(domains) if domains else {}
        made = {name: place.made for name, place in places.items()}
        asked = {
            name: pool.map(_Check.line, _checks(config, place, tenants, made, served)) for name, place in places.items()
        }
        found = tuple(
            CellDiagnosis(
                cell=cell.id,
                region=cell.region,
                account=places[cell.id].account if cell.id in places else "",
                lines=(*lines[cell.id], *asked.get(cell.id, ())),
            )
            for cell in cells
        )
    return Diagnosis(at=now, machine=tuple(_machine(cells, tenants, made)), cells=found)


def quota_lines(
    config: Config, cells: Sequence[Cell], tenants: Sequence[Tenant], account: str
) -> dict[str, list[Line]]:
    """Lines that are WRONG because a quota of the account is too small for these cells and tenants, by cell.

    Cells with all stacks deployed, and cells of other accounts, take no request.

    Args:
        config: as loaded.
        cells: those to deploy.
        tenants: those to deploy.
        account: of the credentials.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        own = [cell for cell in cells if cell.account in {None, account}]
        places = {place.cell.id: place for place in pool.map(lambda cell: _place(cell, account), own)}
        made = {name: place.made for name, place in places.items()}
        asked = {
            name: pool.map(_Check.line, _quotas(place, needs(config, place.cell, tenants, made), missing_only=True))
            for name, place in places.items()
            if not _wanted(place.cell, tenants) <= (place.made or frozenset())
        }
        return {
            name: wrong
            for name, lines in asked.items()
            if (wrong := [line for line in lines if line.state is State.WRONG])
        }


def _wanted(cell: Cell, tenants: Sequence[Tenant]) -> set[str]:
    own = {control_stack_name(cell.id)} if cell.control is not None else set()
    return {cell_stack_name(cell.id), *own, *(tenant_stack_name(one.id) for one in tenants if one.cell == cell.id)}


def _places(cells: Sequence[Cell], pool: ThreadPoolExecutor) -> tuple[dict[str, _Place], dict[str, list[Line]]]:
    """The cells that can be read, and the lines about all cells."""
    lines: dict[str, list[Line]] = {}
    accounts: dict[str, str] = {}
    for cell, found in zip(cells, pool.map(_whose, cells), strict=True):
        region = Line(check="region", verdict=judge.region(cell))
        if isinstance(found, RegionError):
            whose = judge.credentials(cell, found.account, found.arn)
            not_enabled = judge.region_not_enabled(cell, found.account, found.remedy)
            lines[cell.id] = [Line(check="credentials", verdict=whose), Line(check="region", verdict=not_enabled)]
            continue
        if isinstance(found, AwsError):
            unknown = Verdict(state=State.UNKNOWN, said=str(found))
            lines[cell.id] = [Line(check="credentials", verdict=unknown), region]
            continue
        account, arn = found
        verdict = judge.credentials(cell, account, arn)
        lines[cell.id] = [Line(check="credentials", verdict=verdict), region]
        if verdict.state is State.OK:
            accounts[cell.id] = account
    asked = [cell for cell in cells if cell.id in accounts]
    places = {place.cell.id: place for place in pool.map(lambda cell: _place(cell, accounts[cell.id]), asked)}
    return places, lines


def _whose(cell: Cell) -> tuple[str, str] | AwsError:
    try:
        return check_credentials(cell.region)
    except AwsError as error:
        return error


def _place(cell: Cell, account: str) -> _Place:
    reader = AccountReader.of(cell)
    made, refused = None, ""
    try:
        made = reader.stacks()
    except AwsError as error:
        refused = str(error)
    return _Place(cell=cell, account=account, reader=reader, made=made, refused=refused)


def _checks(
    config: Config,
    place: _Place,
    tenants: Sequence[Tenant],
    made: Mapping[str, Collection[str] | None],
    served: Mapping[str, tuple[str, ...] | str | None],
) -> Iterator[_Check]:
    """The questions about one cell, in the order of the report."""
    cell, reader = place.cell, place.reader
    yield _Check(check="bootstrap", answer=lambda: judge.bootstrap(cell, place.account, reader.bootstrap_version()))
    yield _Check(check="production_access", answer=lambda: judge.production_access(reader.sending()))
    yield _Check(check="sending", answer=lambda: judge.sending(reader.sending()))
    yield _Check(check="rule_set", answer=lambda: judge.rule_set(cell, reader.active_rule_set()))
    if place.made is None:
        yield _Check(check="deployed", answer=lambda: Verdict(state=State.UNKNOWN, said=place.refused))
    yield from _quotas(place, needs(config, cell, tenants, made))
    yield _Check(check="quota", about=LARGEST, answer=lambda: _memory(place, tenants))
    yield from _key_checks(place, [one for one in tenants if one.cell == cell.id])
    for zone in _parents([one for one in tenants if one.cell == cell.id]):
        yield from _zone_checks(zone, reader, served)


def _key_checks(place: _Place, tenants: Sequence[Tenant]) -> Iterator[_Check]:
    """A check for each key of the config. The cell's own roles have the cell's key, and a tenant's scanner has the tenant's."""
    cells = place.cell.encryption.key_arn if place.cell.encryption is not None else None
    own = sorted({one.encryption.key_arn for one in tenants if one.encryption is not None} - {cells})
    shared = {
        one.encryption.key_arn for one in tenants if one.encryption is not None and one.scanning.mode != "dedicated"
    }
    for key_arn in (*([cells] if cells else []), *own):
        yield _Check(
            check="encryption_key",
            about=key_arn,
            answer=lambda key_arn=key_arn: judge_key(  # type: ignore[misc]
                place.reader.key_policy(key_arn),
                Home(partition=key_arn.split(":")[1], region=place.cell.region, account=place.account),
                roles=((), ()) if key_arn == cells else _roles(place, scanned=key_arn in shared),
                alarms=key_arn == cells,
            ),
        )


def _roles(place: _Place, *, scanned: bool) -> tuple[list[str], list[str]] | None:
    """Roles of the cell's stack that use a tenant's own key; None where they are not deployed yet."""
    stack = cell_stack_name(place.cell.id)
    if stack not in (place.made or ()):
        return None
    outputs = place.reader.outputs(stack)
    if not outputs.keys() >= {*_TABLES_ROLES, _SCANNER_ROLE}:
        return None
    return ([outputs[_SCANNER_ROLE]] if scanned else []), [outputs[name] for name in _TABLES_ROLES]


def _quotas(place: _Place, wanted: Mapping[str, Need], *, missing_only: bool = False) -> Iterator[_Check]:
    for name, need in wanted.items():
        if need.total and not (missing_only and need.missing == 0):
            yield _Check(
                check="quota",
                about=name,
                answer=lambda name=name, need=need: judge.quota(  # type: ignore[misc]
                    place.cell, SOURCES[name], need, place.reader.quota(name)
                ),
            )


def _memory(place: _Place, tenants: Sequence[Tenant]) -> Verdict:
    cell = place.cell
    granted = cell.quotas.function_memory_mib if LARGEST in cell.quotas.model_fields_set else None
    deployed = _wanted(cell, [one for one in tenants if one.scanning.mode == "dedicated"]) <= (
        place.made or frozenset()
    )
    return judge.memory(memory_needed(cell, tenants), granted=granted, deployed=deployed)


def _zone_checks(
    zone: ParentZone, reader: AccountReader, served: Mapping[str, tuple[str, ...] | str | None]
) -> Iterator[_Check]:
    """Checks of parent zones. DNS alone checks a zone in another account, because no role may read it."""
    own = zone.delegation_role_arn is None
    if own:
        yield _Check(
            check="hosted_zone",
            about=zone.hosted_zone_id,
            answer=lambda: judge.hosted_zone(zone, reader.hosted_zone(zone.hosted_zone_id)),
        )

    def domain() -> Verdict:
        found = served[zone.zone_name]
        if isinstance(found, str):
            return Verdict(state=State.UNKNOWN, said=found)
        return judge.parent_domain(found, _readable(zone, reader) if own else None)

    yield _Check(check="parent_domain", about=zone.zone_name, answer=domain)


def _readable(zone: ParentZone, reader: AccountReader) -> HostedZone | None:
    """The zone; None if it belongs to another domain or cannot be read. Another line reports that."""
    try:
        found = reader.hosted_zone(zone.hosted_zone_id)
    except AwsError:
        return None
    return found if found is not None and found.name == zone.zone_name else None


def _parents(tenants: Sequence[Tenant]) -> list[ParentZone]:
    """The parent zones of tenants, each once."""
    zones = [tenant.parent_zone for tenant in tenants if tenant.parent_zone is not None]
    return list({(zone.hosted_zone_id, zone.zone_name): zone for zone in zones}.values())


def _machine(
    cells: Sequence[Cell], tenants: Sequence[Tenant], made: Mapping[str, Collection[str] | None]
) -> Iterator[Line]:
    for check, read in (("cdk", machine.cdk_version), ("node", machine.node_version)):
        try:
            verdict = judge.tool(*read())
        except ToolchainError as error:
            verdict = Verdict(state=State.WRONG, said=str(error))
        yield Line(check=check, verdict=verdict)
    with_image = [tenant for tenant in tenants if tenant.scanning.mode == "dedicated"]
    known = {cell.id: there for cell in cells if (there := made.get(cell.id)) is not None}
    unmade = any(not _wanted(cell, with_image) <= set(known[cell.id]) for cell in cells if cell.id in known)
    needed = True if unmade else False if len(known) == len(cells) else None
    yield Line(check="image_builder", verdict=judge.image_builder(machine.builder(), machine.builders(), needed=needed))
