"""api: the e-mail settings API on loopback, with an emulator behind it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from email_stack.cli.dns_options import ResolverOption, endpoint
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.config import load
from email_stack.operations import aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from email_stack.deploying.loop import Loop
    from email_stack.dnscheck.guard import IPNetwork
    from email_stack.settings.ownership import OwnershipCheck
    from mailroom.settings.store import SettingsStore

__all__ = ["register"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_PORT: Final = 8383


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(api)


def api(  # noqa: PLR0917 - options, which Typer passes by name
    local: Annotated[bool, typer.Option("--local", help="Serve on 127.0.0.1. Required.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of 127.0.0.1; 0 for a free one.")] = _PORT,
    table: Annotated[str, typer.Option(help="Table of settings; created if it does not exist.")] = "email-settings",
    resolver: ResolverOption = None,
    dns_port: Annotated[
        int, typer.Option(min=1, max=65_535, help="Port of authoritative servers, for tests. Default: 53.")
    ] = 53,
    dns_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK", help="Use name servers in this network, although it is not public."),
    ] = None,
    deploy: Annotated[
        bool,
        typer.Option("--deploy", help="Deploy domains that are proven, into the emulator and the config's first cell."),
    ] = False,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Serve the e-mail settings API on loopback. It gives a token to every client, so it serves an emulator's table only."""
    if not local:
        raise typer.BadParameter("must be given: the API in AWS is not a process of this machine", param_hint="--local")
    try:
        from email_stack.settings.local import LocalServer  # noqa: PLC0415 - needs the extra `api`
    except ModuleNotFoundError as error:
        raise CommandError(
            "not installed",
            f'api: python package "{error.name}" must be installed; run pip install "email-subdomain-platform[api]"',
            ExitCode.NOT_INSTALLED,
        ) from None
    from email_stack.dnscheck.check import system_resolvers  # noqa: PLC0415 - dnspython takes longer than most commands
    from email_stack.settings.ownership import OwnershipCheck  # noqa: PLC0415 - as above
    from email_stack.settings.records import RecordsCheck  # noqa: PLC0415 - as above
    from email_stack.settings.service import Service  # noqa: PLC0415 - as above
    from mailroom.settings.store import SettingsStore  # noqa: PLC0415 - as above
    from mailroom.settings.table import make_table  # noqa: PLC0415 - as above
    from mailroom.store.table import Table  # noqa: PLC0415 - as above

    asked = endpoint(resolver)
    networks = _networks(dns_network or [])
    client = _emulator()
    with aws.aws_errors("making the table of settings"):
        make_table(client, table)
    resolvers = (asked,) if asked is not None else system_resolvers()
    look = OwnershipCheck(resolvers=resolvers, port=dns_port, allowed=networks)
    service = Service(
        store=SettingsStore(table=Table(client=client, name=table)),
        look=look,
        look_at_records=RecordsCheck(resolvers=resolvers, port=dns_port, allowed=networks),
    )
    working = _loop(service.store, config, look) if deploy else nullcontext()
    with LocalServer(service, port) as server, working:
        if as_json:
            print_json({"ok": True, "url": server.url, "table": table}, one_line=True)
        else:
            console.print(f"settings API: {server.url}, table {table}; end it with Ctrl-C", markup=False)
            console.print(
                f"  TOKEN=$(curl -s '{server.url}/local/token?organization=acme')", markup=False, soft_wrap=True
            )
            console.print(
                f'  curl -s {server.url}/v1/email-settings/domain -H "Authorization: Bearer $TOKEN" '
                "-H 'Content-Type: application/json' -d '{\"domain\": \"mail.example.com\"}'",
                markup=False,
                soft_wrap=True,
            )
        try:
            server.wait()
        except KeyboardInterrupt:
            console.print("ended", markup=False)


def _loop(store: SettingsStore, config: Path, look: OwnershipCheck) -> Loop:
    """The loop that deploys domains of this table into the emulator. Raises `ConfigError`, `CommandError`."""
    from email_stack.config.document import read  # noqa: PLC0415 - with the option only
    from email_stack.deploying.judge import Judge  # noqa: PLC0415 - as above
    from email_stack.deploying.loop import Loop, Turns, into_tables  # noqa: PLC0415 - as above
    from email_stack.deploying.making import HostedZones, Making  # noqa: PLC0415 - as above
    from email_stack.deploying.runs import Runs  # noqa: PLC0415 - as above
    from email_stack.deploying.shelf import Shelf  # noqa: PLC0415 - as above
    from email_stack.deploying.stacks import Stacks  # noqa: PLC0415 - as above
    from email_stack.deploying.synthesis import Platform, Synthesis  # noqa: PLC0415 - as above
    from mailroom.settings.operating import Operating  # noqa: PLC0415 - as above
    from mailroom.settings.running import Running  # noqa: PLC0415 - as above
    from mailroom.store.table import Table  # noqa: PLC0415 - as above

    cells = load(config).cells
    cell = next((one for one in cells if one.control is not None), cells[0])
    session = aws.session(cell.region)
    bucket = f"{store.table.name}-runs"
    with aws.aws_errors("making the bucket of runs"):
        s3 = session.client("s3")
        made = {one["Name"] for one in s3.list_buckets()["Buckets"]}
        if bucket not in made:
            # S3 names its oldest region by no region.
            elsewhere: Any = {"CreateBucketConfiguration": {"LocationConstraint": cell.region}}
            s3.create_bucket(Bucket=bucket, **(elsewhere if cell.region != "us-east-1" else {}))
    platform = Platform(document=read(config, str(config)), cell=cell.id)
    stacks, making = (
        Stacks(cloudformation=session.client("cloudformation")),
        Making(ses=session.client("sesv2"), platform=platform),
    )
    runs = Runs(
        operating=Operating(store=store),
        shelf=Shelf(s3=s3, bucket=bucket),
        stacks=stacks,
        # The release has run the checks of `cdk deploy` on these templates.
        synthesize=Synthesis(platform=platform, environment={"CDK_VALIDATION": "false"}),
        judge=Judge(cell=cell.id, bounded=cell.control is not None),
        release="local",
        tags=making.tags,
        made=making,
        zones=HostedZones(
            route53=session.client("route53"), resolvers=look.resolvers, port=look.port, allowed=look.allowed
        ),
    )
    dynamodb = session.client("dynamodb")
    put = into_tables(stacks, lambda name: Table(client=dynamodb, name=name), store.clock)
    return Loop(Turns(runs=runs, running=Running(store=store, put=put)))


def _networks(texts: list[str]) -> tuple[IPNetwork, ...]:
    from ipaddress import ip_network  # noqa: PLC0415 - with the option only

    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise typer.BadParameter(
            f"must be a network such as 127.53.0.0/16: {error}", param_hint="--dns-network"
        ) from None


def _emulator() -> DynamoDBClient:
    """A client of an emulator's DynamoDB: every user of this machine may write to that table."""
    with aws.aws_errors("looking for the emulator"):
        client: DynamoDBClient = aws.session().client("dynamodb")
    address = client.meta.endpoint_url
    if urlsplit(address).hostname not in _LOOPBACK:
        raise CommandError(
            "not an emulator",
            f"api: AWS_ENDPOINT_URL must be an emulator on loopback, got {address}; start one with `python -m emulator`, "
            'and take its environment with `eval "$(python -m emulator environment)"`',
            ExitCode.REFUSED,
        )
    return client
