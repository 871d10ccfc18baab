"""Effects of destroying a tenant, judged by the deployed stacks and not by the config."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from constructs_lib.naming import delegation_stack_name, tenant_stack_name
from email_stack.cli.account import aws_failures
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.zones import Zone, marked_zones, zone_of
from email_stack.config import Cell, Tenant
from email_stack.operations.aws import (
    DeployedStack,
    aws_errors,
    check_account,
    code_of,
    deployed_stack,
    session,
    stack_exists,
)
from email_stack.transitions import Removal, Template, changes_of_removal, removal

__all__ = ["Judged", "judged_removal", "refuse_protected_tables"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A permitted removal.

    Args:
        stacks: deployed stacks, in the order of deletion.
        removal: effects on the resources of the tenant's own stack.
        zones: zones to delete after the stacks.
        delegated_by_us: whether a stack of ours has the NS record that leads to them; the record is deleted with it.
        left_over: the tenant's stacks that the config no longer has; they are deleted first.
    """

    stacks: Sequence[str]
    removal: Removal
    zones: tuple[Zone, ...] = ()
    delegated_by_us: bool = False
    left_over: Sequence[str] = ()


def judged_removal(tenant: Tenant, cell: Cell, stacks: Sequence[str], config: Path) -> Judged:
    """Read the deployed `stacks`, and a delegation that the config no longer has; compare them with the config's stacks.

    Raises:
        CommandError: the deployed stacks differ from the config; a table to delete is protected; the credentials are for another
            account; or AWS refused.
    """
    with aws_failures():
        check_account(cell)
        found = {name: stack for name in stacks if (stack := deployed_stack(name, cell)) is not None}
        delegation = delegation_stack_name(tenant.id)
        left_over = [delegation] if delegation not in stacks and stack_exists(delegation, cell) else []
        if not found:
            return Judged(
                stacks=(),
                removal=Removal(),
                # A mark may be of a removal that was given up, of a tenant that was kept later.
                zones=marked_zones(tenant.subdomain, tenant.id, cell.region) if tenant.removal == "destroy" else (),
                left_over=left_over,
            )
    wanted = _synthesized(tenant, list(found), config)
    changes = [
        change for name, stack in found.items() for change in changes_of_removal(stack.template, wanted.get(name, {}))
    ]
    if changes:
        raise CommandError(
            "refused",
            f'tenant "{tenant.id}": the deployed stack differs from the config: '
            f"{'; '.join(change.text for change in changes)}; nothing was deleted: run `email-stack deploy {tenant.id} --yes` "
            "first, then destroy",
            ExitCode.REFUSED,
        )
    own = found.get(tenant_stack_name(tenant.id))
    what = removal(own.template) if own is not None else Removal()
    if own is not None:
        refuse_protected_tables(f'tenant "{tenant.id}"', "destroy", cell, own, what)
    with aws_failures():
        going = [zone_of(own.physical_ids[name], cell.region) for name in what.zones] if own is not None else []
    return Judged(
        stacks=tuple(found),
        removal=what,
        zones=tuple(zone for zone in going if zone is not None),
        delegated_by_us=delegation in {*found, *left_over} or (own is not None and _holds_ns_record(own.template)),
        left_over=left_over,
    )


def _synthesized(tenant: Tenant, stacks: Sequence[str], config: Path) -> Mapping[str, Template]:
    """The templates that the config makes, by stack."""
    with tempfile.TemporaryDirectory(prefix="cdk.out-") as folder:
        assembly = Path(folder) / "cdk.out"
        run = CdkRun(
            verb="synth", stacks=stacks, config=config, tenants=[tenant.id], options=["--quiet"], assembly=assembly
        )
        run_cdk(run, on_line=lambda _: None)
        return {name: json.loads((assembly / f"{name}.template.json").read_text(encoding="utf-8")) for name in stacks}


def _holds_ns_record(template: Template) -> bool:
    resources = template["Resources"].values()
    return any(one["Type"] == "AWS::Route53::RecordSet" and one["Properties"].get("Type") == "NS" for one in resources)


def refuse_protected_tables(subject: str, command: str, cell: Cell, stack: DeployedStack, what: Removal) -> None:
    """Refuse a deletion protection that was switched on by hand: no template has it, and it would stop the deletion half-way.

    Args:
        subject: whose table it is, such as 'tenant "acme"'.
        command: to run afterwards.
        cell: where the stack is.
        stack: as deployed.
        what: its removal.

    Raises:
        CommandError: a table is protected, or AWS refused.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see email_stack.operations.aws

    for logical_id in what.tables:
        name = stack.physical_ids[logical_id]
        with aws_failures(), aws_errors(f"table {name} in {cell.region}: cannot be read"):
            try:
                table = session().client("dynamodb", region_name=cell.region).describe_table(TableName=name)["Table"]
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    continue
                raise
        if table.get("DeletionProtectionEnabled"):
            raise CommandError(
                "refused",
                f"{subject}: table {name} is to be deleted, and is protected against deletion; nothing was deleted: "
                f"run `aws dynamodb update-table --table-name {name} --no-deletion-protection-enabled`, then {command}",
                ExitCode.REFUSED,
            )
