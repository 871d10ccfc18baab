"""settings: shows operators the settings that customers made by the settings API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Shown

from constructs_lib import names
from email_stack.cli.account import aws_failures
from email_stack.cli.options import DEFAULT_CONFIG, All, Apply, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.config import load
from email_stack.config.loading import load_cells
from email_stack.config.snapshots import SnapshotError, read_snapshot, snapshot_file, snapshot_text
from email_stack.operations import aws
from email_stack.operations.revisions import settings_table
from email_stack.output.files import write_whole
from email_stack.output.printable import counted

if TYPE_CHECKING:
    from mailroom.settings.operating import Operating

__all__ = ["register"]

TableName = Annotated[
    str | None, typer.Option("--table", help="Table of settings. Default: of the config's settings API.")
]
Region = Annotated[
    str | None, typer.Option("--region", help="Region of the table. Default: its cell's, or the environment's.")
]
_TABLE = "email-settings"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    settings = typer.Typer(no_args_is_help=True, help="Settings that customers made by the settings API.")
    for command in (pull, show, reserve, confine, to_git):
        settings.command()(command)
    app.add_typer(settings, name="settings")


def pull(  # noqa: PLR0917 - options, which Typer passes by name
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Id of a tenant of the API's.")] = None,
    every: All = False,
    config: ConfigPath = DEFAULT_CONFIG,
    table: TableName = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Write a snapshot of the settings of one tenant, or of all, beside the config."""
    from email_stack.settings.snapshots import snapshot_of  # noqa: PLC0415 - boto3, see email_stack.operations.aws

    if every == (tenant is not None):
        raise typer.BadParameter("name one TENANT, or say --all")
    with _operating(config, table, region) as operating:
        wishes = [one for one in operating.wishes() if not one.removed and tenant in {None, one.tenant}]
    if tenant is not None and not wishes:
        raise CommandError(
            "not found",
            f'tenant "{tenant}": is none of the settings API\'s that is proven and stays; `email-stack settings show` lists them',
            ExitCode.INVALID,
        )
    written = []
    for wish in sorted(wishes, key=lambda one: one.tenant):
        path = snapshot_file(config, wish.tenant)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, snapshot_text(snapshot_of(wish)).encode())
        written.append({"tenant": wish.tenant, "revision": wish.revision, "file": str(path)})
    if as_json:
        print_json({"ok": True, "snapshots": written})
        return
    for one in written:
        console.print(f"{one['file']}: revision {one['revision']}", markup=False, soft_wrap=True)
    console.print(f"{counted(len(written), 'snapshot')} written; tenants say settings: api to be made from theirs")


def show(
    config: ConfigPath = DEFAULT_CONFIG, table: TableName = None, region: Region = None, as_json: AsJson = False
) -> None:
    """Show each domain of the customers: its state, and its wanted, running, deployed and pulled revisions."""
    with _operating(config, table, region) as operating:
        claims = sorted(operating.claims(), key=lambda one: (one.organization, one.domain))
    rows: list[dict[str, Any]] = [
        {
            "tenant": one.tenant,
            "organization": one.organization,
            "domain": one.domain,
            "status": one.status.value,
            "wanted": one.wanted,
            "deployed": one.deployed,
            "pulled": _pulled(config, one.tenant),
            "failure": one.failure,
        }
        for one in claims
    ]
    if as_json:
        print_json({"ok": True, "domains": rows})
        return
    shown = Shown()
    columns = ("tenant", "organization", "domain", "status", "wanted", "deployed", "pulled")
    for name in columns:
        shown.add_column(name)
    for row in rows:
        shown.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    console.print(shown)


def reserve(  # noqa: PLR0917 - as above
    config: ConfigPath = DEFAULT_CONFIG,
    table: TableName = None,
    region: Region = None,
    release: Annotated[bool, typer.Option("--release", help="Give up names that the config no longer has.")] = False,
    apply: Apply = False,
    as_json: AsJson = False,
) -> None:
    """Reserve the config's subdomains against claims by the settings API. --yes does it."""
    loaded = load(config)
    own = {one.subdomain: names.registrable_domain(one.subdomain) for one in loaded.tenants if one.settings == "git"}
    with _operating(config, table, region) as operating:
        found = operating.reserve(own, apply=apply, release=release)
    if found.taken:
        raise CommandError(
            "refused",
            "\n".join(
                f'subdomain "{name}": is held by an organisation, rests, or lies in or around such a name; take it out of the '
                "config, or have it deleted there"
                for name in found.taken
            ),
            ExitCode.REFUSED,
        )
    if as_json:
        print_json({"ok": True, "applied": apply, "new": list(found.new), "gone": list(found.gone)})
        return
    for name in found.new:
        console.print(f"{name}: {'held' if apply else 'would be held'}", markup=False)
    for name in found.gone:
        console.print(f"{name}: held, and not in the config; --release gives it up", markup=False)
    if not apply:
        console.print(f"nothing was changed: say --yes to hold {counted(len(found.new), 'name')}", markup=False)


def confine(  # noqa: PLR0917 - as above
    organization: Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Name of the organisation in tokens.")],
    off: Annotated[bool, typer.Option("--off", help="Remove the restriction.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
    table: TableName = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Restrict an organisation's mail to its allowed recipients, for example for tests."""
    with _operating(config, table, region) as operating:
        operating.store.confine(organization, not off)
    if as_json:
        print_json({"ok": True, "organization": organization, "confined": not off})
    else:
        console.print(f"{organization}: {'everybody' if off else 'allowed recipients alone'}", markup=False)


def to_git(  # noqa: PLR0917 - as above
    tenant: TenantId,
    config: ConfigPath = DEFAULT_CONFIG,
    table: TableName = None,
    region: Region = None,
    apply: Apply = False,
    as_json: AsJson = False,
) -> None:
    """Give a tenant of the settings API back to the config, with its addresses and names. --yes does it.

    It is refused while a revision is not deployed. The organisation no longer has the domain; nothing that is deployed changes.
    """
    from email_stack.cli.settings_to_git import plan  # noqa: PLC0415 - boto3, see email_stack.operations.aws

    loaded = load(config)
    with _operating(config, table, region) as operating:
        found = plan(loaded, config, tenant, operating)
        if apply:
            found.apply(operating, loaded)
    if as_json:
        file = str(found.file) if found.file is not None else None
        print_json({"ok": True, "applied": apply, "file": file, "left_out": list(found.left_out)})
        return
    for address in found.left_out:
        console.print(f"{address}: is off, and is left out of the config", markup=False, soft_wrap=True)
    if found.file is not None:
        done = "written" if apply else "would be written"
        console.print(f"{found.file}: settings: git of {tenant} {done}", markup=False, soft_wrap=True)
    if apply:
        console.print(f"{tenant}: is the config's; run `email-stack diff {tenant}`", markup=False, soft_wrap=True)
    else:
        console.print("nothing was changed: say --yes to do it", markup=False)


@contextmanager
def _operating(config: Path, table: str | None, region: str | None) -> Iterator[Operating]:
    """The table, for operators. Raises `CommandError`."""
    from mailroom.settings.operating import Operating  # noqa: PLC0415 - boto3, see email_stack.operations.aws
    from mailroom.settings.store import SettingsStore  # noqa: PLC0415 - as above
    from mailroom.store.table import Table  # noqa: PLC0415 - as above

    with aws_failures():
        if table is None:
            table, region = _place(config, region)
        with aws.aws_errors(f"table {table}: cannot be read"):
            client = aws.session(region).client("dynamodb")
            yield Operating(store=SettingsStore(table=Table(client=client, name=table)))


def _place(config: Path, region: str | None) -> tuple[str, str | None]:
    """Name and region of the table of the config's settings API; of the local one, where there is none. Raises AwsError."""
    found = settings_table(load_cells(config)) if config.exists() else None
    return (found[0], region or found[1]) if found is not None else (_TABLE, region)


def _pulled(config: Path, tenant: str) -> int | None:
    try:
        return read_snapshot(snapshot_file(config, tenant), tenant).revision
    except (SnapshotError, ValueError):
        return None
