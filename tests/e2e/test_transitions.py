"""Changes of a config that would lose mail: refused with everything as it was, or done without a loss; tests run in their order."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from emulator.definitions import publish
from tests.e2e.conftest import REGION, Platform
from tests.e2e.test_scanning import eventually
from tests.mailroom.clamav import TEST_DEFINITIONS
from tests.nameservers import Internet

ZONE = "post.dd.example"
MAIL = b"From: a@example.net\r\nTo: support@post.own.example\r\nSubject: hello\r\nMessage-ID: <1@example.net>\r\n\r\nhello\r\n"
ELSEWHERE = {"eu": {"region": "eu-west-1"}}
NOBODY = ("--resolver", "127.0.0.1#9")
"""A resolver that is not there: nobody can tell who is led to a zone."""


def dd(**settings: Any) -> dict[str, Any]:
    """A delegated tenant whose data is to go with its stack."""
    return {"id": "dd", "subdomain": ZONE, "addresses": ["support"], "removal": "destroy", **settings}


def own(mode: str) -> dict[str, Any]:
    """A tenant that keeps its DNS, scanned by the cell's scanner or one of its own."""
    settings = {"id": "own", "subdomain": "post.own.example", "dns": "self-managed", "addresses": ["support"]}
    return {**settings, "scanning": mode}


@pytest.fixture(scope="module")
def outputs(platform: Platform) -> dict[str, dict[str, str]]:
    """Outputs of the first deployment of both tenants."""
    config = platform.write_config([dd(), own("dedicated")])
    made: dict[str, dict[str, str]] = platform.json("deploy", "--all", "--yes", "--config", str(config))["outputs"]
    return made


def records(platform: Platform, zone: str) -> list[Any]:
    """Every record set of a zone."""
    found: list[Any] = platform.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return found


@pytest.mark.thorough
def test_what_waits_for_a_scanner_goes_to_the_next(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Mail that was told to the tenant's own scanner, which takes none meanwhile, is delivered by the cell's."""
    s3, functions = platform.client("s3"), platform.client("lambda")
    publish(s3, outputs["Cell-eu"]["DefinitionsBucketName"], TEST_DEFINITIONS)
    bucket = outputs["Tenant-own"]["BucketName"]
    for one in functions.list_event_source_mappings()["EventSourceMappings"]:
        if "Tenant-own-Scanner" in one["EventSourceArn"]:
            functions.update_event_source_mapping(UUID=one["UUID"], Enabled=False)
    receipt = platform.emulator.receive(MAIL, ["support@post.own.example"], REGION)
    delivered = receipt.objects[0].key.replace("raw/", "clean/")
    done = platform.email_stack("deploy", "own", "--yes", "--config", str(platform.write_config([dd(), own("shared")])))
    assert done.returncode == 0, done.stderr
    assert "its mail goes to another scanner" in " ".join(done.stderr.split())
    assert "own: 1 message queued for the new scanner" in done.stderr
    eventually(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=delivered)["KeyCount"])


@pytest.mark.parametrize(
    ("change", "said", "applied"),
    [
        ({"dns": "self-managed"}, f"its hosted zone {ZONE} loses all its records at once", ["--yes"]),
        ({"subdomain": "new.dd.example"}, f"its subdomain {ZONE} becomes new.dd.example", []),
        ({}, f"it is deployed in {REGION}, with all its mail", ["--yes"]),
    ],
)
def test_a_change_that_loses_mail_is_refused(
    platform: Platform,
    outputs: dict[str, dict[str, str]],
    change: dict[str, Any],
    said: str,
    applied: list[str],
) -> None:
    """With --yes and without, with the safe way in steps; zone, records, rules and mail are as they were."""
    zone = outputs["Tenant-dd"]["HostedZoneId"]
    before = records(platform, zone)
    config = str(platform.write_config([dd(**change), own("shared")], None if change else ELSEWHERE))
    refused = platform.email_stack("deploy", "dd", *applied, "--config", config, *NOBODY)
    assert refused.returncode == 5, refused.stdout + refused.stderr
    text = " ".join(refused.stderr.split())
    assert said in text
    assert "The safe way: 1." in text
    assert records(platform, zone) == before
    assert len(before) > 2
    zones = platform.client("route53").list_hosted_zones()["HostedZones"]
    assert [one["Id"].rpartition("/")[2] for one in zones] == [zone]
    other = platform.emulator.client("cloudformation", "eu-west-1").describe_stacks()["Stacks"]
    assert not {one["StackName"] for one in other} & {"Cell-eu", "Tenant-dd"}


@pytest.mark.thorough
def test_records_move_to_their_owner(
    platform: Platform, outputs: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The zone keeps its records until those of the owner answer; then it is left behind, and not deleted."""
    config = str(platform.write_config([dd(dns="self-managed"), own("shared")]))
    zone = outputs["Tenant-dd"]["HostedZoneId"]
    with Internet(tmp_path_factory.mktemp("internet")) as internet:
        internet.serve_many({"dd.example": ""}, internet.customer)
        resolver = f"{internet.resolver.address}#{internet.resolver.port}"
        deploy = ("deploy", "dd", "--yes", "--config", config, "--resolver", resolver)
        refused = platform.email_stack(*deploy, "--server-port", str(internet.port))
        assert refused.returncode == 5, refused.stderr
        said = "no delegation leads to it any more, but 8 of its owner's records do not answer yet"
        assert said in " ".join(refused.stderr.split())
        assert len(records(platform, zone)) > 2
        handed_over = platform.email_stack("dns-records", "dd", "--no-check", "--config", config).stdout
        internet.serve("dd.example", handed_over, internet.customer)
        internet.flush()
        done = platform.email_stack(*deploy, "--server-port", str(internet.port))
        assert done.returncode == 0, done.stderr
    assert f"its hosted zone {ZONE} is left behind without records" in " ".join(done.stderr.split())
    assert {one["Type"] for one in records(platform, zone)} == {"NS", "SOA"}


def mv(*addresses: str, **settings: Any) -> dict[str, Any]:
    """A tenant whose DNS is in a parent zone of ours, and whose receipt rules hold two addresses each."""
    return {
        "id": "mv",
        "subdomain": "post.mv.example",
        "role_addresses": [],
        "addresses": list(addresses),
        "removal": "destroy",
        **settings,
    }


def rules(platform: Platform, tenant: str) -> dict[str, list[str]]:
    """Local parts by receipt rule of a tenant."""
    found = platform.client("ses").describe_active_receipt_rule_set()["Rules"]
    return {
        rule["Name"]: sorted(one.partition("@")[0] for one in rule["Recipients"])
        for rule in found
        if rule["Name"].rpartition("-")[0] == tenant
    }


class Mail:
    """Mail to one address, again and again, until it is said to stop."""

    def __init__(self, platform: Platform, address: str) -> None:
        self._platform, self._address = platform, address
        self._stop = threading.Event()
        self.seen: list[tuple[bool, tuple[str, ...], str]] = []
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        while not self._stop.wait(0.02):
            raw = MAIL.replace(b"support@post.own.example", self._address.encode())
            receipt = self._platform.emulator.receive(raw, [self._address], REGION)
            (outcome,) = receipt.outcomes
            self.seen.append((outcome.accepted, outcome.rules, " ".join(receipt.failures)))

    def __enter__(self) -> Mail:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.thorough
def test_addresses_move_without_a_moment_in_which_they_have_no_rule(platform: Platform) -> None:
    """And the NS record that the config drops stays: `deploy` refuses both, `move` does both with mail coming in all the while."""
    route53 = platform.client("route53")
    parent = route53.create_hosted_zone(Name="mv.example", CallerReference="mv")["HostedZone"]["Id"].rpartition("/")[2]
    cells = {"eu": {"region": REGION, "quotas": {"recipients_per_rule": 2}}}
    given = {"parent_zone": {"hosted_zone_id": parent, "zone_name": "mv.example"}}
    config = str(platform.write_config([mv("a", "b", "c", **given)], cells))
    zone = platform.json("deploy", "mv", "--yes", "--config", config)["outputs"]["Tenant-mv"]["HostedZoneId"]
    before = {"mv-0": ["a", "b"], "mv-1": ["c"]}
    assert rules(platform, "mv") == before

    platform.write_config([mv("z", "a", "b", "c")], cells)
    refused = platform.email_stack("deploy", "mv", "--yes", "--config", config, *NOBODY)
    assert refused.returncode == 5, refused.stderr
    assert " ".join(refused.stderr.split()).count("The safe way: 1. `email-stack move TENANT`: ") == 2
    shown = platform.json("move", "mv", "--config", config, *NOBODY)
    assert (shown["applied"], len(shown["steps"])) == (False, 2)
    assert "add the receipt rule mv-moving, which takes 1 of its addresses" in shown["steps"][0]
    assert rules(platform, "mv") == before

    with Mail(platform, "b@post.mv.example") as mail:
        done = platform.json("move", "mv", "--yes", "--config", config, *NOBODY)
    assert done["applied"]
    assert {(accepted, failed) for accepted, _rules, failed in mail.seen} == {(True, "")}
    assert {rule for _accepted, matched, _failed in mail.seen for rule in matched} == {"mv-0", "mv-moving", "mv-1"}
    assert rules(platform, "mv") == {"mv-0": ["a", "z"], "mv-1": ["b", "c"]}
    (record,) = [one for one in records(platform, parent) if one["Name"] == "post.mv.example." and one["Type"] == "NS"]
    own = route53.get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]
    assert {one["Value"].rstrip(".") for one in record["ResourceRecords"]} == {one.rstrip(".") for one in own}
    # Nothing is left to do, and the same command says so.
    assert len(platform.json("move", "mv", "--config", config, *NOBODY)["steps"]) == 1
