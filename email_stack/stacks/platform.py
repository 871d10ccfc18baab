"""The CDK app with the requested cells and tenants."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from email_stack.config import Config, Tenant
from email_stack.stacks.cell_stack import CellStack
from email_stack.stacks.control_stack import ControlStack
from email_stack.stacks.delegation_stack import DelegationStack
from email_stack.stacks.tenant_stack import TenantStack

__all__ = ["add_stacks", "new_app"]


def new_app(*, outdir: Path | None = None, context: Mapping[str, Any] | None = None) -> cdk.App:
    """An empty app; needs no credentials, no network, no docker.

    Args:
        outdir: folder of the cloud assembly. Default: the CDK CLI's, else a temporary one.
        context: feature flags, as in `cdk.json`. Default: none beyond the CLI's.
    """
    return cdk.App(
        outdir=str(outdir) if outdir is not None else None,
        context=dict(context or {}),
        # Deployments read neither: the tree is for viewers, and usage reporting would add a resource to each stack.
        tree_metadata=False,
        analytics_reporting=False,
    )


def add_stacks(app: cdk.App, config: Config, *, tenants: Collection[str], cells: Collection[str] = ()) -> None:
    """Add the stacks of `tenants` and of their cells to `app`, and nothing else.

    Args:
        app: to add to.
        config: the whole config, valid.
        tenants: ids of the tenants to build.
        cells: ids of cells to build besides those of the tenants, with their settings API. Default: none.

    Raises:
        ConfigError: the config lacks a tenant or a cell.
    """
    chosen = [config.tenant(name) for name in tenants]
    needed = {*cells, *(tenant.cell for tenant in chosen)}
    stacks = {cell.id: CellStack(app, cell) for cell in config.cells if cell.id in needed}
    for cell in config.cells:
        if cell.control is not None and cell.id in cells:
            control = ControlStack(app, config, cell)
            control.add_stack_dependency(
                stacks[cell.id], "imports alarms, access logs, and what tenants' tables let in"
            )
    for tenant in chosen:
        _add_tenant(app, config, tenant, stacks[tenant.cell])


def _add_tenant(app: cdk.App, config: Config, tenant: Tenant, cell_stack: cdk.Stack) -> None:
    snapshot = config.snapshots.get(tenant.id)
    stack = TenantStack(app, tenant, config.cell(tenant.cell), snapshot.revision if snapshot is not None else None)
    stack.add_stack_dependency(
        cell_stack, "imports the alerts key and the access log bucket, and adds rules to the rule set"
    )
    parent = tenant.parent_zone
    if parent is not None and parent.delegation_role_arn is not None:
        DelegationStack(
            app,
            tenant_stack=stack,
            tenant_id=tenant.id,
            parent_hosted_zone_id=parent.hosted_zone_id,
            delegation_role_arn=parent.delegation_role_arn,
        )
