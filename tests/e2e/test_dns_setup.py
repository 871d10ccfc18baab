"""From deployment to proof: records handed over, installed on real name servers, and checked; the tests run in their order.

SES and Route 53 are the emulator's; the name servers are Knot DNS and BIND.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from email_stack.dns_setup.formats import Format
from tests.e2e.conftest import REGION, Platform
from tests.nameservers import Internet

ACME, GLOBEX = "post.acme.example", "tickets.globex.example"


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers, with empty zones of both customers."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        running.serve_many({"acme.example": "", "globex.example": ""}, running.customer)
        yield running


@pytest.fixture(scope="module")
def config(platform: Platform) -> str:
    """Two tenants, one delegated and one that keeps its DNS."""
    path = platform.write_config(
        [
            {"id": "acme", "subdomain": ACME, "portal": {"target": "d111111abcdef8.cloudfront.net"}},
            {
                "id": "globex",
                "subdomain": GLOBEX,
                "dns": "self-managed",
                "dmarc": {"rua": ["dmarc@vendor.example"]},
                "mta_sts": {"policy_host": "www.globex.example"},
            },
        ]
    )
    return str(path)


class Commands:
    """The two commands, asking the small internet."""

    def __init__(self, platform: Platform, internet: Internet, config: str) -> None:
        self.platform = platform
        self.config = config
        self.dns = [
            *("--resolver", f"{internet.resolver.address}#{internet.resolver.port}"),
            *("--server-port", str(internet.port)),
        ]

    def records(self, tenant: str, *options: str) -> subprocess.CompletedProcess[str]:
        """`dns-records` of a tenant."""
        return self.platform.email_stack("dns-records", tenant, "--config", self.config, *self.dns, *options)

    def check(self, *options: str) -> subprocess.CompletedProcess[str]:
        """`dns-check` with options."""
        return self.platform.email_stack("dns-check", "--config", self.config, *self.dns, *options)


@pytest.fixture(scope="module")
def commands(platform: Platform, internet: Internet, config: str) -> Commands:
    """Both commands."""
    return Commands(platform, internet, config)


def documents(text: str) -> dict[str, Any]:
    """Documents of `dns-check --json`, by tenant."""
    return {one["tenant"]: one for one in json.loads(text)["tenants"]}


def test_before_deployment(commands: Commands) -> None:
    """Nothing is made up: the command says what to deploy first, on an exit code of its own."""
    done = commands.records("globex")
    assert (done.returncode, done.stdout) == (8, "")
    assert "run `email-stack deploy globex --yes` first" in done.stderr
    checked = commands.check("--all", "--json")
    assert checked.returncode == 8
    assert [one["tenant"] for one in json.loads(checked.stdout)["not_deployed"]] == ["acme", "globex"]


def test_records_of_a_self_managed_tenant(platform: Platform, commands: Commands) -> None:
    """Eight required records with the identity's own tokens, in every form."""
    platform.json("deploy", "--all", "--yes", "--config", commands.config)
    dkim = platform.client("sesv2").get_email_identity(EmailIdentity=GLOBEX)["DkimAttributes"]
    forms = {form: commands.records("globex", "--format", form.value, "--no-check") for form in Format}
    for form, done in forms.items():
        assert (done.returncode, done.stderr) == (0, ""), form
        assert all(f"{token}.{dkim['SigningHostedZone']}" in done.stdout for token in dkim["Tokens"]), form
    document = json.loads(forms[Format.JSON].stdout)
    assert document["zone"] == "globex.example"
    required = [record["type"] for record in document["records"] if record["required"]]
    assert sorted(required) == ["CNAME"] * 3 + ["MX"] * 2 + ["TXT"] * 3
    optional = {record["purpose"] for record in document["records"] if not record["required"]}
    assert optional == {"tls-reports", "mta-sts", "dmarc-reports"}


def test_records_of_a_delegated_tenant(platform: Platform, commands: Commands) -> None:
    """The four name servers of the zone that was created, and nothing else to install."""
    done = commands.records("acme", "--format", "json")
    (record,) = json.loads(done.stdout)["records"]
    zones = platform.client("route53").list_hosted_zones()["HostedZones"]
    (zone_id,) = [zone["Id"] for zone in zones if zone["Name"] == f"{ACME}."]
    zone = platform.client("route53").get_hosted_zone(Id=zone_id)
    assert record["type"] == "NS"
    assert record["values"] == [server.rstrip(".") for server in zone["DelegationSet"]["NameServers"]]


def test_output_file_and_zone(commands: Commands, tmp_path: Path) -> None:
    """A file is written whole; the zone that a customer really has makes other relative names."""
    target = tmp_path / "globex.csv"
    done = commands.records("globex", "--format", "csv", "--output", str(target), "--zone", GLOBEX)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{len(target.read_bytes())} bytes written" in done.stderr
    assert f"_dmarc.{GLOBEX},_dmarc,{GLOBEX},TXT" in target.read_text()
    os.umask(umask := os.umask(0))
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--zone", "other.example"], "does not hold"),
        (["--zone", "a b"], "must be"),
        (["--resolver", "resolver.example"], "must be an IP address"),
    ],
)
def test_options_that_cannot_be(commands: Commands, options: list[str], said: str) -> None:
    """Refused as wrong usage, before AWS is asked."""
    done = commands.records("globex", *options)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_account_of_somebody_else(platform: Platform, commands: Commands, tmp_path: Path) -> None:
    """Credentials for another account than the cell's are refused."""
    document = yaml.safe_load(Path(commands.config).read_text())
    document["cells"]["eu"]["account"] = "999999999999"
    other = tmp_path / "tenants.yaml"
    other.write_text(yaml.safe_dump(document))
    done = platform.email_stack("dns-records", "globex", "--config", str(other))
    assert (done.returncode, done.stdout) == (5, "")
    assert 'cell "eu" is in account 999999999999, the credentials are for' in done.stderr


def test_policy_of_mta_sts(platform: Platform, config: str, tmp_path: Path) -> None:
    """The file comes out byte by byte, line ends included; a tenant without one is told so."""
    target = tmp_path / "mta-sts.txt"
    done = platform.email_stack("mta-sts-policy", "globex", "--config", config, "--output", str(target))
    assert done.returncode == 0
    assert target.read_bytes() == (
        b"version: STSv1\r\nmode: testing\r\nmx: inbound-smtp.eu-central-1.amazonaws.com\r\nmax_age: 604800\r\n"
    )
    refused = platform.email_stack("mta-sts-policy", "acme", "--config", config)
    assert refused.returncode == 1
    assert 'tenant "acme": mta_sts is not in the config' in refused.stderr


def test_nothing_is_installed_yet(commands: Commands) -> None:
    """Every record is missing, the delegation too, and the exit code says that there is something to do."""
    done = commands.check("--all", "--json")
    assert done.returncode == 6
    found = documents(done.stdout)
    assert {one["status"] for one in found["globex"]["records"] if one["required"]} == {"missing"}
    assert found["acme"]["records"][0]["status"] == "delegation-missing"
    printed = commands.check("globex").stdout
    assert f"Add to the zone globex.example: {GLOBEX} MX" in " ".join(printed.split())
    assert "8 required records: 8 missing" in printed


def test_exported_zone_is_ok(commands: Commands, internet: Internet) -> None:
    """What was exported for BIND, served by a name server, is what the checker wants: SES alone is still pending."""
    internet.serve("globex.example", commands.records("globex").stdout, internet.customer)
    internet.flush()
    done = commands.check("globex", "--json")
    (found,) = json.loads(done.stdout)["tenants"]
    records = {(one["purpose"], one["status"]) for one in found["records"]}
    assert {status for purpose, status in records if purpose != "dmarc-reports"} == {"ok"}
    assert ("dmarc-reports", "missing") in records
    assert found["ses"] is not None
    assert done.returncode == {"ok": 0, "pending": 7}[found["status"]]


def test_delegated_zone_is_ok(platform: Platform, commands: Commands, internet: Internet) -> None:
    """Our zone's own records on our servers, delegated from the customer's: everything is ok."""
    names = json.loads(commands.records("acme", "--format", "json").stdout)["records"][0]["values"]
    for name, server in zip(names, internet.ours, strict=True):
        host, _, zone = name.partition(".")
        internet.serve(zone, f"{host} A {server.address}", [internet.root])
    internet.serve(ACME, zone_of(platform, ACME), internet.ours, names)
    internet.flush()
    done = commands.check("acme", "--json")
    (found,) = json.loads(done.stdout)["tenants"]
    assert {one["status"] for one in found["records"] if one["required"]} == {"ok"}
    assert found["records"][0]["type"] == "NS"


def zone_of(platform: Platform, name: str) -> str:
    """The records of our hosted zone, as Route 53 lists them, in zone-file form; an alias as an address."""
    route53 = platform.client("route53")
    (zone_id,) = [zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"] if zone["Name"] == f"{name}."]
    lines = []
    for one in route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]:
        if one["Type"] in {"NS", "SOA"}:
            continue
        values = [value["Value"] for value in one.get("ResourceRecords", [])]
        if one["Type"] in {"CNAME", "MX"}:
            values = [f"{value.rstrip('.')}." for value in values]
        aliased = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}.get(one["Type"], [])
        lines += [f"{one['Name']} 60 IN {one['Type']} {value}" for value in values or aliased]
    return "\n".join(lines)


def test_watch_ends_when_all_is_ok(platform: Platform, commands: Commands, internet: Internet) -> None:
    """Each change is told once, with the time; the end is the whole report and its exit code."""
    whole = internet.text("globex.example")
    internet.serve("globex.example", "", internet.customer)
    internet.flush()
    watching = platform.start(
        "dns-check",
        "globex",
        "--config",
        commands.config,
        *commands.dns,
        "--watch",
        "--interval",
        "1",
        "--timeout",
        "1",
    )
    assert watching.stdout is not None
    first = watching.stdout.readline()
    assert first.rstrip().endswith("CNAME: missing")
    internet.serve("globex.example", whole, internet.customer)
    internet.flush()
    rest = _rest(watching)
    assert f"globex: {GLOBEX} MX: missing -> " in rest
    assert "8 required records: 8 ok" in rest
    assert watching.returncode in {0, 7}


def _rest(watching: subprocess.Popen[str]) -> str:
    """The rest of its output. communicate() with a time-out would lose text that readline() has read ahead."""
    assert watching.stdout is not None
    with watching.stdout:
        try:
            watching.wait(timeout=90)
        except subprocess.TimeoutExpired:
            watching.kill()
            watching.wait()
            raise
        return watching.stdout.read()


def test_watch_ends_when_it_is_told_to(platform: Platform, commands: Commands, internet: Internet) -> None:
    """Interrupted, it prints the whole and exits with the code of what it last saw; one document a line with --json."""
    whole = internet.text("globex.example")
    internet.serve("globex.example", "", internet.customer)
    internet.flush()
    options = ["dns-check", "globex", "--config", commands.config, *commands.dns, "--watch", "--interval", "60"]
    plain, scripted = platform.start(*options), platform.start(*options, "--json")
    assert plain.stdout is not None
    assert scripted.stdout is not None
    assert plain.stdout.readline().rstrip().endswith("CNAME: missing")
    document = json.loads(scripted.stdout.readline())
    for watching in (plain, scripted):
        watching.send_signal(signal.SIGINT)
    rest, _ = _rest(plain), _rest(scripted)
    internet.serve("globex.example", whole, internet.customer)
    internet.flush()
    assert "8 required records: 8 missing" in rest
    assert (plain.returncode, scripted.returncode, document["exit_code"]) == (6, 6, 6)


def test_file_that_cannot_be_written(commands: Commands, tmp_path: Path) -> None:
    """A folder that is not there is one line, not a traceback, and leaves nothing behind."""
    done = commands.records("globex", "--output", str(tmp_path / "none" / "globex.zone"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot read or write" in done.stderr
    full = commands.records("globex", "--output", str(tmp_path))
    assert full.returncode == 1
    assert list(tmp_path.parent.glob(f".{tmp_path.name}.*")) == []


def test_letter_shows_the_state(commands: Commands) -> None:
    """The letter holds the state of each record, as it was just asked for."""
    letter = commands.records("globex", "--format", "html", "--language", "de").stdout
    assert "8 von 8 erforderlichen Einträgen sind vorhanden" in letter
    assert "Geprüft" in letter


@pytest.mark.thorough
def test_zone_that_is_still_delegated_is_not_deleted(
    platform: Platform, commands: Commands, internet: Internet, tmp_path: Path
) -> None:
    """Destroying the tenant with its zone waits until the delegation is gone everywhere, the resolver's memory included."""
    document = yaml.safe_load(Path(commands.config).read_text())
    document["tenants"][0] |= {"removal": "destroy", "live": False}
    leaving = tmp_path / "tenants.yaml"
    leaving.write_text(yaml.safe_dump(document))
    deployed = platform.email_stack("deploy", "acme", "--yes", "--config", str(leaving))
    assert deployed.returncode == 0, deployed.stderr

    def destroy() -> subprocess.CompletedProcess[str]:
        return platform.email_stack("destroy", "acme", "--yes", "--config", str(leaving), *commands.dns)

    refused = destroy()
    assert (refused.returncode, refused.stdout) == (5, "")
    assert (
        f"{ACME} is still delegated to its zone, or remembered to be, at ns1.dns.example, ns2.dns.example"
        in refused.stderr
    )
    internet.delegate(ACME, [])
    cached = destroy()
    assert cached.returncode == 5
    assert "remembered to be, at resolver; whoever" in cached.stderr
    for server in internet.customer:
        server.silence()
    internet.flush()
    untold = destroy()
    for server in internet.customer:
        server.resume()
    assert untold.returncode == 5
    assert "could not be checked (unreachable)" in untold.stderr
    internet.flush()
    done = destroy()
    assert done.returncode == 0, done.stderr
    assert "deleted Tenant-acme" in done.stdout


def test_config_that_is_ahead_of_the_deployment(platform: Platform, commands: Commands, tmp_path: Path) -> None:
    """A tenant that is to be delegated has no name servers before that was deployed."""
    document = yaml.safe_load(Path(commands.config).read_text())
    document["tenants"][1]["dns"] = "delegated"
    ahead = tmp_path / "tenants.yaml"
    ahead.write_text(yaml.safe_dump(document))
    done = platform.email_stack("dns-records", "globex", "--config", str(ahead))
    assert (done.returncode, done.stdout) == (8, "")
    assert "its stack holds no hosted zone yet, though the config says dns: delegated" in done.stderr


def test_identity_that_is_gone(platform: Platform, commands: Commands) -> None:
    """A stack whose identity somebody deleted by hand hands out no stale records."""
    ses = platform.client("sesv2")
    (arn,) = [
        one["ResourceArn"]
        for one in ses.list_tenant_resources(TenantName="globex")["TenantResources"]
        if one["ResourceArn"].endswith(f"identity/{GLOBEX}")
    ]
    ses.delete_tenant_resource_association(TenantName="globex", ResourceArn=arn)
    ses.delete_email_identity(EmailIdentity=GLOBEX)
    done = commands.records("globex")
    assert (done.returncode, done.stdout) == (8, "")
    assert f"SES has no identity {GLOBEX} in {REGION}" in done.stderr


def test_without_credentials(platform: Platform, commands: Commands, tmp_path: Path) -> None:
    """Without credentials the command says what was looked for and what to run, and shows no traceback."""
    environment = {"PATH": "/usr/bin", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-m", "email_stack.cli", "dns-records", "globex", "--config", commands.config]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (9, "")
    assert done.stderr.startswith(
        "no usable AWS credentials\nAWS credentials: none found, looked for AWS_ACCESS_KEY_ID"
    )
    assert "Traceback" not in done.stderr
