"""dns-check: checks the DNS records of deployed tenants."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from email_stack.cli.account import checked_account
from email_stack.cli.dns_options import ResolverOption, ServerPort, checked, deployed, endpoint
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import ExitCode, console, print_json
from email_stack.cli.report_view import changes, print_report, report_json
from email_stack.cli.watching import interruptions, wait
from email_stack.config import Config, Tenant, load
from email_stack.config.tenant_records import public_records
from email_stack.dnscheck.history import Serials
from email_stack.dnscheck.model import Endpoint, Report, Status, Subject
from email_stack.operations.deployed import NotDeployedError

__all__ = ["register"]

_SEVERITY: Final = (ExitCode.OK, ExitCode.PENDING, ExitCode.NOT_DEPLOYED, ExitCode.DIFFERENT)
_CODES: Final = {Status.OK: ExitCode.OK, Status.PENDING: ExitCode.PENDING, Status.WRONG: ExitCode.DIFFERENT}


@dataclass(frozen=True, slots=True)
class _Round:
    """Result of one pass: reports by tenant, and reasons for missing ones."""

    reports: dict[str, Report]
    absent: dict[str, str]

    @property
    def code(self) -> ExitCode:
        codes = [_CODES[report.status] for report in self.reports.values()]
        return max([*codes, *(ExitCode.NOT_DEPLOYED for _ in self.absent)], key=_SEVERITY.index, default=ExitCode.OK)

    @property
    def document(self) -> dict[str, Any]:
        return {
            "ok": self.code is ExitCode.OK,
            "exit_code": int(self.code),
            "tenants": [report_json(tenant, report) for tenant, report in self.reports.items()],
            "not_deployed": [{"tenant": tenant, "reason": reason} for tenant, reason in self.absent.items()],
        }


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="dns-check")(dns_check)


def dns_check(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Id of a tenant in the config.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every tenant of the config.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again until all is ok.")] = False,
    interval: Annotated[int, typer.Option(min=1, max=3600, help="Seconds between two checks of --watch.")] = 15,
    minutes: Annotated[
        int | None, typer.Option("--timeout", min=1, help="Minutes after which --watch gives up. Default: never.")
    ] = None,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check a deployed tenant's records in DNS and SES, and name the fix for each wrong one."""
    if (tenant is None) != every:
        raise typer.BadParameter("name one tenant, or give --all", param_hint="TENANT")
    loaded = load(config)
    chosen = loaded.tenants if tenant is None else (loaded.tenant(tenant),)
    asked = endpoint(resolver)
    for cell_id in dict.fromkeys(one.cell for one in chosen):
        checked_account(loaded.cell(cell_id))
    deadline = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    last: _Round | None = None
    serials = Serials()
    with interruptions() if watch else nullcontext(lambda: False) as interrupted:
        while True:
            found = _check(loaded, chosen, asked, server_port, serials)
            _show(found, last, watch=watch, as_json=as_json)
            last = found
            if not watch or found.code is ExitCode.OK or time.monotonic() + interval > deadline:
                break
            if wait(interval, interrupted):
                break
    if watch and not as_json:
        _print(last)
    raise typer.Exit(last.code)


def _check(config: Config, tenants: Sequence[Tenant], resolver: Endpoint | None, port: int, serials: Serials) -> _Round:
    subjects: dict[str, Subject] = {}
    absent: dict[str, str] = {}
    for tenant in tenants:
        cell = config.cell(tenant.cell)
        try:
            made = deployed(tenant, cell)
        except NotDeployedError as error:
            absent[tenant.id] = str(error)
            continue
        records = public_records(tenant, cell, dkim=made.dkim, name_servers=made.name_servers)
        subjects[tenant.id] = Subject(subdomain=tenant.subdomain, records=records, ses=made.ses)
    reports = checked(list(subjects.values()), resolver, port, serials)
    return _Round(dict(zip(subjects, reports, strict=True)), absent)


def _show(found: _Round, last: _Round | None, *, watch: bool, as_json: bool) -> None:
    if as_json and watch:
        print_json(found.document, one_line=True)
    elif as_json:
        print_json(found.document)
    elif watch:
        _print_changes(found, last)
    else:
        _print(found)


def _print(found: _Round) -> None:
    for tenant, report in found.reports.items():
        print_report(tenant, report, console)
    for reason in found.absent.values():
        console.print(f"not deployed yet: {reason}", markup=False, soft_wrap=True)


def _print_changes(found: _Round, last: _Round | None) -> None:
    now = f"{datetime.now().astimezone():%H:%M:%S}"
    for tenant, report in found.reports.items():
        before = last.reports.get(tenant) if last is not None else None
        for line in changes(before, report):
            console.print(f"{now} {tenant}: {line}", markup=False, soft_wrap=True)
    for tenant, reason in found.absent.items():
        if last is None or tenant not in last.absent:
            console.print(f"{now} {tenant}: not deployed yet: {reason}", markup=False, soft_wrap=True)
