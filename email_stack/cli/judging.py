"""Judges a deployment before it begins, by the deployed and the new stacks: refuses a loss of mail, and reports other risks."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.naming import delegation_stack_name, tenant_stack_name
from email_stack.cli.account import aws_failures
from email_stack.cli.dangling import why_led_there
from email_stack.cli.dns_options import checked, deployed
from email_stack.cli.newcomers import Newcomers
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.places import Places
from email_stack.cli.selection import cell_stacks
from email_stack.config import Cell, Config, Tenant
from email_stack.config.tenant_records import zone_records
from email_stack.dnscheck.model import Endpoint, Status, Subject
from email_stack.operations.aws import DeployedStack, stack_outputs
from email_stack.operations.deployed import NotDeployedError
from email_stack.operations.standing import deployed_stacks, importers, names_there
from email_stack.transitions import Risk, RiskKind, Template, risks

if TYPE_CHECKING:
    from boto3 import Session

__all__ = ["Judgement", "judged_deployment"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Risks of a deployment.

    Args:
        found: risks by stack, in the order of the stacks, refused ones first.
        deployed: templates of deployed stacks, by name.
    """

    found: Mapping[str, tuple[Risk, ...]]
    deployed: Mapping[str, Template] = field(default_factory=dict)

    def lines(self, *, forced: bool) -> list[str]:
        """Notices before the deployment, one line each; with `forced`, also the refused risks."""
        return [
            f"{stack}: {one.text}" for stack, all_ in self.found.items() for one in all_ if forced or not one.refused
        ]

    def stacks_with(self, kind: RiskKind) -> list[str]:
        """The stacks that have a risk of this kind."""
        return [stack for stack, all_ in self.found.items() if any(one.kind is kind for one in all_)]

    def refuse(self, *, moving: bool = False) -> None:
        """End the command if mail would be lost; with `moving`, if `email-stack move` has no way around it either.

        Raises:
            CommandError: with each loss and the safe way, in steps.
        """
        blocks = []
        for stack, all_ in self.found.items():
            for one in all_:
                if one.refused and not (moving and one.movable):
                    steps = [f"  {number}. {step}" for number, step in enumerate(one.steps, start=1)]
                    blocks.append("\n".join([f"{stack}: {one.text}. Nothing was deployed. The safe way:", *steps]))
        if blocks:
            raise CommandError("refused", "\n".join(blocks), ExitCode.REFUSED)


def judged_deployment(
    config: Config,
    tenants: Sequence[str] | None,
    stacks: Sequence[str],
    assembly: Path,
    *,
    account: str,
    resolver: Endpoint | None,
    port: int,
) -> Judgement:
    """Compare the deployed `stacks` with the synthesized ones.

    Args:
        config: as loaded.
        tenants: ids of the tenants to deploy; None for all.
        stacks: names of their stacks and cells.
        assembly: folder of their cloud assembly.
        account: account of the credentials.
        resolver: resolver for checks of delegations. Default: this machine's.
        port: of authoritative servers.

    Raises:
        CommandError: AWS refused or could not be asked.
    """
    chosen = config.tenants if tenants is None else tuple(config.tenant(name) for name in tenants)
    found: dict[str, tuple[Risk, ...]] = {}
    templates: dict[str, Template] = {}
    for cell in config.cells:
        own = [tenant for tenant in chosen if tenant.cell == cell.id]
        names = [name for name in stacks if name in _names_of(cell, own)]
        if not names:
            continue
        wanted = {name: _synthesized(assembly, name) for name in names}
        with aws_failures():
            places = Places(config, cell, account, assembly, names[0])
            delegations = [delegation_stack_name(tenant.id) for tenant in own]
            everything, there = _standing([*names, *delegations], cell, places)
            templates |= {name: stack.template for name, stack in there.items()}
            if places.own is None:
                _add(found, names[0], _unread(cell, account, places.why))
            else:
                for name in names:
                    if name in there:
                        _add(found, name, *_judged(there[name], wanted[name], cell, places.own))
            for tenant in own:
                _add(found, tenant_stack_name(tenant.id), *_left_over(tenant, wanted, there))
            new = Newcomers(
                config=config,
                cell=cell,
                places=places,
                wanted={
                    tenant: wanted[name]
                    for tenant in own
                    if (name := tenant_stack_name(tenant.id)) in wanted and name not in there
                },
                everything=everything,
            )
            if tenants is None:
                _add(found, names[0], *new.orphans())
            for name, risk in new.risks(resolver):
                _add(found, name, risk)
        for tenant in own:
            name = tenant_stack_name(tenant.id)
            found[name] = tuple(
                _by_dns(one, tenant, cell, resolver, port) if one.kind is RiskKind.ZONE and not places.foreign else one
                for one in found.get(name, ())
            )
    return Judgement(found={name: found[name] for name in stacks if found.get(name)}, deployed=templates)


def _standing(names: Collection[str], cell: Cell, places: Places) -> tuple[set[str], dict[str, DeployedStack]]:
    """The names of all stacks of the cell's region, and the deployed ones of these stacks."""
    if places.own is None:
        return set(), {}
    everything = names_there(cell, places.own)
    return everything, deployed_stacks(everything & set(names), cell, places.own)


def _names_of(cell: Cell, tenants: Sequence[Tenant]) -> set[str]:
    names = set(cell_stacks(cell))
    for tenant in tenants:
        names |= {tenant_stack_name(tenant.id), delegation_stack_name(tenant.id)}
    return names


def _synthesized(assembly: Path, stack: str) -> Template:
    template: Template = json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8"))
    return template


def _judged(stack: DeployedStack, wanted: Template, cell: Cell, own: Session) -> tuple[Risk, ...]:
    """The risks of one stack, without unused exports."""
    kept = []
    for one in risks(stack.template, wanted):
        if one.kind is RiskKind.EXPORT:
            if not (users := importers(one.subject, cell, own)):
                continue
            kept.append(replace(one, text=f"{one.text}, which {', '.join(users[:3])} imports: AWS refuses that"))
        else:
            kept.append(one)
    return tuple(kept)


def _add(found: dict[str, tuple[Risk, ...]], name: str, *more: Risk) -> None:
    found[name] = (*found.get(name, ()), *more)


def _left_over(tenant: Tenant, wanted: Mapping[str, Template], there: Mapping[str, DeployedStack]) -> tuple[Risk, ...]:
    """A delegation from a parent zone that the config no longer names: its stack stays, and is not deployed any more."""
    name = delegation_stack_name(tenant.id)
    if name in wanted or name not in there:
        return ()
    said = (
        f"its stack {name} is left behind, and goes on delegating from the parent zone that the config had: "
        f"`email-stack destroy-delegation {tenant.id}` deletes it, once another delegation exists or none is needed"
    )
    return (Risk(kind=RiskKind.LEFT, text=said, refused=False, subject=name),)


def _unread(cell: Cell, account: str, why: str) -> Risk:
    return Risk(
        kind=RiskKind.UNREAD,
        text=f"the stacks in its account {cell.account} could not be compared with the credentials of {account}: {why}",
        refused=True,
        steps=(
            f"deploy with credentials of account {cell.account}",
            "or let these take the role that the CDK makes there for look-ups: `cdk bootstrap --trust "
            f"{account} aws://{cell.account}/{cell.region}`",
        ),
        subject=cell.id,
    )


def _by_dns(risk: Risk, tenant: Tenant, cell: Cell, resolver: Endpoint | None, port: int) -> Risk:
    """A zone that would lose its records: no risk if no delegation leads to it any more and the owner's records answer."""
    with aws_failures():
        outputs = stack_outputs(tenant_stack_name(tenant.id), cell) or {}
    servers = tuple(
        name.strip().rstrip(".").lower() for name in outputs.get("NameServers", "").split(",") if name.strip()
    )
    if why := why_led_there(risk.subject, servers, resolver, port):
        return replace(risk, text=f"{risk.text}; {risk.subject} {why}")
    try:
        dkim = deployed(tenant, cell).dkim
    except NotDeployedError as error:
        return replace(risk, text=f"{risk.text}; {error}")
    records = tuple(record for record in zone_records(tenant, cell, dkim) if record.required)
    [report] = checked([Subject(subdomain=risk.subject, records=records)], resolver, port)
    missing = [one.record for one in report.findings if one.status is not Status.OK]
    if missing:
        said = (
            f"{len(missing)} of its owner's records do not answer yet, {missing[0].type} {missing[0].name} among them"
        )
        return replace(risk, text=f"{risk.text}; no delegation leads to it any more, but {said}")
    return replace(
        risk,
        kind=RiskKind.LEFT,
        refused=False,
        text=f"its hosted zone {risk.subject} is left behind without records: its owner's answer now; delete it by hand",
    )
