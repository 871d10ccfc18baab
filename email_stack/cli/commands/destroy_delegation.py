"""destroy-delegation: deletes a delegation that the config no longer has."""

from __future__ import annotations

import typer

from constructs_lib.naming import delegation_stack_name
from email_stack.cli.account import aws_failures, checked_credentials, tenant_and_cell
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.cli.selection import tenant_stacks
from email_stack.cli.stack_deletion import delete_stack
from email_stack.operations.aws import check_account, session, stack_exists

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(destroy_delegation)


def destroy_delegation(
    tenant: TenantId, config: ConfigPath = DEFAULT_CONFIG, apply: Apply = False, as_json: AsJson = False
) -> None:
    """Delete the stack that delegates from a parent zone which the config no longer names. This deletes the parent's NS record.

    Mail to the tenant bounces afterwards, unless another delegation or the owner's own records exist. If nothing is deployed any
    more, the command says so and succeeds.
    """
    chosen, cell = tenant_and_cell(config, tenant)
    stack = delegation_stack_name(tenant)
    if stack in tenant_stacks(chosen):
        raise CommandError(
            "refused",
            f'tenant "{tenant}": its config names the parent zone, so that the next deployment would delegate again; drop '
            f"parent_zone and deploy, then destroy-delegation; or destroy {tenant} as a whole",
            ExitCode.REFUSED,
        )
    checked_credentials(cell.region)
    with aws_failures():
        check_account(cell)
        there = stack_exists(stack, cell)
        if there and apply:
            delete_stack(session().client("cloudformation", region_name=cell.region), stack)
    stacks = [stack] if there else []
    if as_json:
        why = {} if there else {"reason": "not deployed"}
        print_json({"ok": True, "applied": there and apply, "stacks": stacks, **why})
    elif not there:
        console.print(f"{stack}: is not deployed, nothing was deleted", markup=False)
    elif apply:
        console.print(f"deleted {stack}, and the NS record of {chosen.subdomain} with it", markup=False)
    else:
        console.print(
            f"would delete {stack}, and the NS record of {chosen.subdomain} with it. Nothing was changed: say --yes to do it",
            markup=False,
        )
