"""The deployed stack decides on the removal, and a failed first deployment leaves nothing; the tests run in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Platform
from tests.nameservers import Internet

ACME, GLOBEX = "post.acme.example", "tickets.globex.example"
MAIL = b"From: a@example.net\r\nTo: support@post.acme.example\r\nSubject: hello\r\n\r\nhello\r\n"
WITHOUT_DNS = ("--yes", "--force")
"""No name server of the tests knows the zones of the emulator."""
NOBODY = ("--resolver", "127.0.0.1#9")
"""A resolver that is not there: nobody can tell who is led to a zone."""


def acme(**settings: Any) -> dict[str, Any]:
    """A delegated tenant."""
    return {"id": "acme", "subdomain": ACME, "addresses": ["support"], **settings}


def globex(**settings: Any) -> dict[str, Any]:
    """A tenant that keeps its DNS."""
    return {"id": "globex", "subdomain": GLOBEX, "dns": "self-managed", "addresses": ["support"], **settings}


def deployed(platform: Platform, config: Path, tenant: str) -> dict[str, str]:
    """Outputs of the tenant's stack, deployed."""
    outputs: dict[str, dict[str, str]] = platform.json("deploy", tenant, "--yes", "--config", str(config))["outputs"]
    return outputs[f"Tenant-{tenant}"]


def held(platform: Platform) -> set[str]:
    """Names of the buckets, zones and tables of tenants that are there."""
    buckets = [bucket["Name"] for bucket in platform.client("s3").list_buckets()["Buckets"]]
    zones = [zone["Id"].split("/")[-1] for zone in platform.client("route53").list_hosted_zones()["HostedZones"]]
    own = {name for name in buckets if name.startswith("tenant-")}
    return own | set(zones) | set(platform.client("dynamodb").list_tables()["TableNames"])


def data_of(outputs: dict[str, str]) -> set[str]:
    """The tenant's resources with data."""
    keys = {"BucketName", "HostedZoneId", "MessagesTableName"} & outputs.keys()
    return {outputs[key] for key in keys}


def test_nothing_is_left_of_a_first_deployment_that_failed(platform: Platform) -> None:
    """An identity that exists elsewhere ends it, twice; then zone, bucket and table are those of the one that went well."""
    config = platform.write_config([acme(live=False)])
    sesv2 = platform.client("sesv2")
    sesv2.create_email_identity(EmailIdentity=ACME)
    for _attempt in range(2):
        failed = platform.email_stack("deploy", "acme", "--yes", "--config", str(config))
        assert failed.returncode == 3, failed.stderr
        assert held(platform) == set()
    sesv2.delete_email_identity(EmailIdentity=ACME)
    outputs = deployed(platform, config, "acme")
    assert held(platform) == data_of(outputs)
    assert len(data_of(outputs)) == 3


def test_a_word_that_was_not_deployed_deletes_nothing(platform: Platform) -> None:
    """`removal: destroy` over a stack that retains: refused before and after --yes, and every mail is still there."""
    bucket = platform.client("cloudformation").describe_stacks(StackName="Tenant-acme")["Stacks"][0]["Outputs"]
    name = next(one["OutputValue"] for one in bucket if one["OutputKey"] == "BucketName")
    s3 = platform.client("s3")
    s3.put_object(Bucket=name, Key="kept/mail", Body=MAIL)
    before = held(platform)
    config = str(platform.write_config([acme(live=False, removal="destroy")]))
    for arguments in ((), WITHOUT_DNS):
        refused = platform.email_stack("destroy", "acme", *arguments, "--config", config)
        assert refused.returncode == 5, refused.stdout + refused.stderr
        said = " ".join(refused.stderr.split())
        for kind in ("bucket", "hosted zone", "table"):
            assert f"its {kind} is kept by the deployed stack, and is deleted by the config" in said
        assert "run `email-stack deploy acme --yes` first" in said
    assert s3.get_object(Bucket=name, Key="kept/mail")["Body"].read() == MAIL
    assert held(platform) == before


@pytest.mark.thorough
def test_a_table_protected_by_hand_is_seen_before_mail_goes(platform: Platform) -> None:
    """Deployed, it would go but for DynamoDB's own protection: refused with the mail there; without it, all of it goes."""
    config = platform.folder / "tenants.yaml"
    outputs = deployed(platform, config, "acme")
    table, bucket = outputs["MessagesTableName"], outputs["BucketName"]
    dynamodb, s3 = platform.client("dynamodb"), platform.client("s3")
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    refused = platform.email_stack("destroy", "acme", *WITHOUT_DNS, "--config", str(config))
    assert refused.returncode == 5, refused.stderr
    assert "--no-deletion-protection-enabled" in refused.stderr
    assert s3.get_object(Bucket=bucket, Key="kept/mail")["Body"].read() == MAIL
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    shown = platform.email_stack("destroy", "acme", "--config", str(config))
    assert "would delete Tenant-acme; deletes its" in shown.stdout
    assert "keeps" not in shown.stdout
    done = platform.json("destroy", "acme", *WITHOUT_DNS, "--config", str(config))
    assert done["versions_deleted"] >= 1
    assert held(platform) == set()
    with pytest.raises(ClientError, match="does not exist"):
        platform.client("cloudformation").describe_stacks(StackName="Tenant-acme")


def test_an_edited_config_deletes_no_zone(platform: Platform) -> None:
    """Deployed to go, and led to for all that anybody can tell: no line of the config that was not deployed gets past that."""
    dying = {"live": False, "removal": "destroy"}
    outputs = deployed(platform, platform.write_config([acme(**dying)]), "acme")
    parent = {"hosted_zone_id": "ZPARENT", "zone_name": "acme.example"}
    for edited in (
        {"dns": "self-managed"},
        {"removal": "retain"},
        {"subdomain": "other.acme.example", "parent_zone": parent},
    ):
        config = str(platform.write_config([acme(**(dying | edited))]))
        refused = platform.email_stack("destroy", "acme", "--yes", "--config", config, *NOBODY)
        assert refused.returncode == 5, (edited, refused.stdout, refused.stderr)
        assert data_of(outputs) <= held(platform)


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers that run."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        yield running


def asked_of(internet: Internet) -> tuple[str, ...]:
    """Options that have a command ask these servers."""
    internet.flush()
    resolver = internet.resolver
    return ("--yes", "--resolver", f"{resolver.address}#{resolver.port}", "--server-port", str(internet.port))


def test_a_removal_that_ended_early_is_ended_by_the_next(platform: Platform, internet: Internet) -> None:
    """The stack went, and the zone could not, for a record that no stack made: said once more, the zone goes.

    Nothing goes while a provider that only the registry still names delegates to the zone: a third of resolvers follow it.
    """
    config = str(platform.write_config([acme(live=False, removal="destroy")]))
    outputs = deployed(platform, platform.folder / "tenants.yaml", "acme")
    zone, route53 = outputs["HostedZoneId"], platform.client("route53")
    record = {
        "Name": f"hand.{ACME}",
        "Type": "TXT",
        "TTL": 60,
        "ResourceRecords": [{"Value": '"by hand"'}],
    }

    def change(action: str) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    change("CREATE")
    parent = ACME.partition(".")[2]
    own = [server.rstrip(".") for server in route53.get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]]
    internet.serve(parent, "", internet.customer)
    internet.delegate(parent, [*(server.name for server in internet.customer), internet.old.name])
    internet.serve_differently(internet.old, parent, "\n".join(f"{ACME}. 60 IN NS {server}." for server in own))
    before = held(platform)
    refused = platform.email_stack("destroy", "acme", *asked_of(internet), "--config", config)
    assert refused.returncode == 5, refused.stdout + refused.stderr
    assert "still delegated to its zone, or remembered to be, at ns.old.example" in " ".join(refused.stderr.split())
    assert held(platform) == before
    internet.serve_differently(internet.old, parent, "")
    ended = platform.email_stack("destroy", "acme", *asked_of(internet), "--config", config)
    assert ended.returncode == 3, ended.stderr
    assert "holds records that it did not make" in " ".join(ended.stderr.split())
    assert held(platform) == {zone}
    change("DELETE")
    refused = platform.email_stack("destroy", "acme", "--yes", "--config", config, *NOBODY)
    assert refused.returncode == 5, refused.stderr
    done = platform.email_stack("destroy", "acme", *asked_of(internet), "--config", config)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        rf"deleted hosted zone {zone}\ncaches .* may remember the delegation until .* UTC\n", done.stdout
    )
    assert held(platform) == set()
    again = platform.json("destroy", "acme", *WITHOUT_DNS, "--config", config)
    assert (again["applied"], again["reason"]) == (False, "not deployed")


@pytest.mark.thorough
def test_what_would_go_against_the_config_is_not_deleted(platform: Platform) -> None:
    """The other way round: `retain` written over a stack that deletes is refused; deployed, the bucket and the table stay."""
    outputs = deployed(platform, platform.write_config([globex(live=False, removal="destroy")]), "globex")
    config = platform.write_config([globex(live=False)])
    refused = platform.email_stack("destroy", "globex", "--yes", "--config", str(config))
    assert refused.returncode == 5, refused.stderr
    assert "its bucket is deleted by the deployed stack, and is kept by the config" in " ".join(refused.stderr.split())
    deployed(platform, config, "globex")
    done = platform.email_stack("destroy", "globex", "--yes", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert "deleted Tenant-globex; this keeps its bucket and table, and deletes its" in " ".join(done.stdout.split())
    assert held(platform) == data_of(outputs)
