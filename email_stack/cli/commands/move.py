"""move: deploys a change of one tenant that `deploy` refuses, in two deployments that lose nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.account import checked_credentials
from email_stack.cli.cdk import CdkRun
from email_stack.cli.deploying import STACKS_AT_ONCE, deployed_assembly, print_outputs, synthesized, with_template
from email_stack.cli.dns_options import ResolverOption, ServerPort, endpoint
from email_stack.cli.judging import Judgement, judged_deployment
from email_stack.cli.options import DEFAULT_CONFIG, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.cli.requeuing import queue_anew
from email_stack.cli.room import refuse_small_quotas
from email_stack.cli.selection import any_region, stack_names
from email_stack.config import load
from email_stack.transitions import Halfway, RiskKind, halfway

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(move)


def move(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: TenantId,
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Apply = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Stacks to deploy at once.")] = STACKS_AT_ONCE,
    resolver: ResolverOption = None,
    server_port: ServerPort = 53,
    as_json: AsJson = False,
) -> None:
    """Deploy a change that `deploy` refuses, in steps that lose nothing, if such steps exist. Shows the steps; --yes runs them.

    The first step deploys the present stack with an addition for the change: a receipt rule for addresses that move, or a kept
    record or zone. The second step deploys the config. After an interruption, the same command continues. Without such steps, the
    change is refused as by `deploy`.
    """
    loaded = load(config)
    tenants = [loaded.tenant(tenant).id]
    stacks, stack = stack_names(loaded, tenants), tenant_stack_name(tenant)
    account = checked_credentials(any_region(loaded, tenants))
    if not account:
        raise CommandError("AWS could not be asked", f"the deployed {stack} could not be read", ExitCode.AWS_FAILED)
    if apply:
        refuse_small_quotas(loaded, tenants, account)
    asked = endpoint(resolver)
    with tempfile.TemporaryDirectory(prefix="cdk.out-") as name:
        folder = Path(name)
        whole = synthesized(config, tenants, stacks, folder / "cdk.out")

        def judged_now() -> Judgement:
            assembly = folder / "cdk.out"
            return judged_deployment(
                loaded, tenants, stacks, assembly, account=account, resolver=asked, port=server_port
            )

        judged = judged_now()
        judged.refuse(moving=True)
        between = _between(judged, stack, folder / "cdk.out")
        steps = _steps(between, stack, stacks)
        if not apply:
            _tell(judged, steps, stacks, as_json=as_json)
            return
        if between is not None:
            errors.print(steps[0], markup=False, soft_wrap=True)
            _deploy_between(whole, stack, between, folder)
            judged = judged_now()
        judged.refuse()
        for line in judged.lines(forced=False):
            errors.print(line, markup=False, soft_wrap=True)
        outputs = deployed_assembly(whole, folder, concurrency)
    if stack in judged.stacks_with(RiskKind.QUEUE):
        queue_anew([loaded.tenant(tenant)], loaded)
    if as_json:
        print_json({"ok": True, "applied": True, "steps": steps, "stacks": stacks, "outputs": outputs})
        return
    for one in stacks:
        print_outputs(one, outputs.get(one, {}))


def _between(judged: Judgement, stack: str, assembly: Path) -> Halfway | None:
    if stack not in judged.deployed:
        return None
    wanted: dict[str, Any] = json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8"))
    return halfway(judged.deployed[stack], wanted)


def _deploy_between(whole: CdkRun, stack: str, between: Halfway, folder: Path) -> None:
    run = with_template(whole, stack, between.template, folder / "cdk.between")
    deployed_assembly(run, folder, 1, alone=True)


def _steps(between: Halfway | None, stack: str, stacks: list[str]) -> list[str]:
    first = [f"deploy {stack} as it is, to {', and to '.join(between.texts)}"] if between is not None else []
    return [*first, f"deploy what the config says: {', '.join(stacks)}"]


def _tell(judged: Judgement, steps: list[str], stacks: list[str], *, as_json: bool) -> None:
    for line in judged.lines(forced=True):
        errors.print(line, markup=False, soft_wrap=True)
    if as_json:
        print_json({"ok": True, "applied": False, "steps": steps, "stacks": stacks})
        return
    for number, step in enumerate(steps, start=1):
        console.print(f"{number}. {step}", markup=False, soft_wrap=True)
    console.print("nothing was changed: say --yes to go these steps", markup=False)
