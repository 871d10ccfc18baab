"""`make demo`: the example tenants deployed to the emulator with the real CDK CLI, and a report of the stacks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from constructs_lib.naming import tenant_stack_name
from demo.mail import await_messages, await_sending_events, receive_two
from demo.settings import missing, show_settings
from email_stack.config import Cell, Tenant, load
from emulator import settings
from emulator.process import Emulator
from emulator.settings import PROJECT

__all__ = ["main"]

console = Console(highlight=False, width=132)


def main() -> int:
    """Start, bootstrap, deploy, show, stop. Returns the exit code."""
    config = load(PROJECT / "tenants.yaml")
    started = time.monotonic()
    with Emulator() as emulator:
        console.print(f"[bold]1. AWS emulator[/] on {emulator.endpoint_url}, account {emulator.account_id}")
        for region in sorted({cell.region for cell in config.cells}):
            console.print(f"[bold]2. cdk bootstrap[/] {region}")
            emulator.bootstrap(region)
        console.print(f"[bold]3. email-stack deploy --all --yes[/] {len(config.tenants)} tenants")
        environment = emulator.environment(config.cells[0].region)
        command = [sys.executable, "-m", "email_stack.cli", "deploy", "--all", "--yes", "--concurrency", "4"]
        deployed = subprocess.run(
            command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=None, check=False
        )
        if deployed.returncode != 0:
            return deployed.returncode
        console.print("\n[bold]4. What was made[/], read back through the AWS API")
        for tenant in config.tenants:
            _show(emulator, tenant, config.cell(tenant.cell))
        for cell in config.cells:
            _show_rules(emulator, cell)
        if _show_mail(emulator, config.tenants[0], config.cell(config.tenants[0].cell), environment):
            sender = next(tenant for tenant in config.tenants if tenant.sending_addresses)
            _show_sent(emulator, sender, config.cell(sender.cell), environment)
            _show_settings(emulator, config.cells[0], environment)
        console.print("[bold]8. email-stack dns-records --format html[/], the setup guide for each customer's IT")
        for tenant in config.tenants:
            letter = PROJECT / "build" / "letters" / f"{tenant.id}.html"
            letter.parent.mkdir(parents=True, exist_ok=True)
            options = ["--format", "html", "--no-check", "--output", str(letter)]
            command = [sys.executable, "-m", "email_stack.cli", "dns-records", tenant.id, *options]
            subprocess.run(command, cwd=PROJECT, env=environment, check=True, stderr=subprocess.DEVNULL)
            console.print(f"   {letter.relative_to(PROJECT)}")
    console.print(f"[bold]9. Emulator stopped[/] after {time.monotonic() - started:.0f} s; nothing of it is left")
    console.print("Next: read tenants.yaml, then docs/deploying.md and docs/onboarding.md for a real account.")
    return 0


def _show(emulator: Emulator, tenant: Tenant, cell: Cell) -> None:
    cloudformation = emulator.client("cloudformation", cell.region)
    (stack,) = cloudformation.describe_stacks(StackName=tenant_stack_name(tenant.id))["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    title = f"{tenant.id}: {tenant.subdomain_unicode}, {tenant.dns}" + (", with portal" if tenant.portal else "")
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_lines=False)
    table.add_column("what")
    table.add_column("value", overflow="fold")
    if "NameServers" in outputs:
        table.add_row("name servers for the customer", outputs["NameServers"])
        for name, kind, value in _records(emulator.client("route53", cell.region), outputs["HostedZoneId"]):
            table.add_row(f"{kind} {_relative(name, tenant.subdomain)}", value)
    else:
        table.add_row("records for the customer", "\n".join(outputs[f"DnsRecord{n}"] for n in range(1, 9)))
    table.add_row("bucket", outputs["BucketName"])

    table.add_row("configuration set", outputs["ConfigurationSetName"])
    console.print(table)


def _show_mail(emulator: Emulator, tenant: Tenant, cell: Cell, environment: dict[str, str]) -> bool:
    """Receive mail and show the results; returns False without ClamAV."""
    console.print(f"[bold]5. Two messages to {tenant.id}[/], one clean, one with the test file that all scanners find")
    if shutil.which("clamd", path=f"{settings.search_path()}:/usr/sbin") is None:
        console.print(
            "   ClamAV is not installed, so they would wait in quarantine; on Debian, `make debian` installs it"
        )
        return False
    table = Table(header_style="bold")
    for column in ("subject", "verdict", "action", "removed", "delivered", "left in quarantine", "after"):
        table.add_column(column, overflow="fold")
    for mail in receive_two(emulator, tenant, cell):
        removed, left = "\n".join(mail.found) or "nothing", "yes" if mail.in_quarantine else "nothing"
        row = (mail.subject, mail.verdict, mail.action, removed, mail.delivered or "nothing", left)
        table.add_row(*row, f"{mail.seconds:.1f} s")
    console.print(table)
    await_messages(emulator, tenant, cell, 2)
    console.print(f"[bold]   email-stack messages {tenant.id}[/], their threads")
    command = [sys.executable, "-m", "email_stack.cli", "messages", tenant.id]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    return True


def _show_sent(emulator: Emulator, tenant: Tenant, cell: Cell, environment: dict[str, str]) -> None:
    console.print(f"[bold]6. email-stack send-test {tenant.id}[/], scanned, sent with SES, opened by its recipient")
    command = [sys.executable, "-m", "email_stack.cli", "send-test", tenant.id, "--to", "anna@example.net", "--json"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE)
    ses_id = json.loads(done.stdout)["ses_id"]
    emulator.report(ses_id, "Open", cell.region)
    await_sending_events(emulator, tenant, cell, ses_id, 3)
    console.print(f"[bold]   email-stack messages {tenant.id} --sent {ses_id}[/], its events, without personal data")
    command = [sys.executable, "-m", "email_stack.cli", "messages", tenant.id, "--sent", ses_id]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)


def _show_settings(emulator: Emulator, cell: Cell, environment: dict[str, str]) -> None:
    console.print(
        "[bold]7. email-stack api --local --deploy[/], a customer brings a domain with the client that it has"
    )
    if lacking := missing():
        console.print(f"   not here: {lacking}; on Debian, `make debian` installs the name servers")
        return
    show_settings(console, emulator, cell, environment)


def _records(route53: Any, zone_id: str) -> list[tuple[str, str, str]]:
    rows = []
    for page in route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id):
        for entry in page["ResourceRecordSets"]:
            if entry["Type"] in {"NS", "SOA"}:
                continue
            values = [record["Value"] for record in entry.get("ResourceRecords", [])]
            if "AliasTarget" in entry:
                values = [f"alias of {entry['AliasTarget']['DNSName']}"]
            rows.append((entry["Name"].rstrip("."), entry["Type"], "\n".join(values)))
    return rows


def _relative(name: str, zone: str) -> str:
    return "@" if name == zone else name.removesuffix(f".{zone}")


def _show_rules(emulator: Emulator, cell: Cell) -> None:
    active = emulator.client("ses", cell.region).describe_active_receipt_rule_set()
    title = f"active receipt rule set of cell {cell.id}: {active['Metadata']['Name']}"
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in ("rule", "recipients", "TLS", "scan", "files mail under"):
        table.add_column(column, overflow="fold")
    for rule in active["Rules"]:
        recipients = rule["Recipients"]
        shown = ", ".join(recipients[:2]) + (f" and {len(recipients) - 2} more" if len(recipients) > 2 else "")
        action = rule["Actions"][0]["S3Action"]
        where = f"s3://{action['BucketName']}/{action['ObjectKeyPrefix']}"
        table.add_row(rule["Name"], shown, rule["TlsPolicy"], str(rule["ScanEnabled"]), where)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
