"""A tenant from deployment to removal; the tests run in their order, each on what the one before left.

The emulator's SES is an extension of the project's own: these tests prove our wiring and our policies, not AWS's behaviour.
What it accepts and AWS would not is caught by cfn-lint and by the constructs' own checks (tests/stacks, tests/constructs_lib).
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.e2e.conftest import REGION, Platform

ACME, GLOBEX = "post.acme.example", "tickets.globex.example"
MAIL = b"From: a@example.net\r\nTo: support@post.acme.example\r\nSubject: hello\r\nMessage-ID: <1@example.net>\r\n\r\nhello\r\n"


def acme(**settings: Any) -> dict[str, Any]:
    """A delegated tenant with more addresses than a rule takes."""
    addresses = ["support", *(f"agent{number:03}" for number in range(105))]
    return {"id": "acme", "subdomain": ACME, "addresses": addresses, "alerts": ["ops@acme.example"], **settings}


def globex(**settings: Any) -> dict[str, Any]:
    """A tenant that keeps its DNS and takes all mail."""
    return {"id": "globex", "subdomain": GLOBEX, "dns": "self-managed", "catch_all": True, **settings}


@pytest.fixture(scope="module")
def outputs(platform: Platform) -> dict[str, dict[str, str]]:
    """Both tenants deployed; what the stacks put out."""
    config = platform.write_config([acme(), globex(removal="destroy")])
    deployed = platform.json("deploy", "--all", "--yes", "--config", str(config))
    assert deployed["stacks"] == ["Cell-eu", "Tenant-acme", "Tenant-globex"]
    return deployed["outputs"]  # type: ignore[no-any-return]


def records_of(platform: Platform, zone_id: str) -> dict[tuple[str, str], list[str]]:
    """Record sets of a zone, by name and type."""
    route53 = platform.client("route53")
    sets = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {(s["Name"].rstrip("."), s["Type"]): [r["Value"] for r in s.get("ResourceRecords", [])] for s in sets}


def active_rules(platform: Platform) -> dict[str, Any]:
    """The active rule set's name, and its rules by name."""
    answer = platform.client("ses").describe_active_receipt_rule_set()
    return {"name": answer.get("Metadata", {}).get("Name"), **{rule["Name"]: rule for rule in answer.get("Rules", [])}}


def test_zone_holds_the_eight_records(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Route 53 answers with the identity's own DKIM tokens, both MX, both SPF and DMARC."""
    made = outputs["Tenant-acme"]
    records = records_of(platform, made["HostedZoneId"])
    identity = platform.client("sesv2").get_email_identity(EmailIdentity=ACME)
    dkim = identity["DkimAttributes"]
    for token in dkim["Tokens"]:
        assert records[(f"{token}._domainkey.{ACME}", "CNAME")][0].rstrip(".") == f"{token}.dkim.amazonses.com"
    assert records[(ACME, "MX")] == [f"10 inbound-smtp.{REGION}.amazonaws.com"]
    assert records[(f"mail.{ACME}", "MX")] == [f"10 feedback-smtp.{REGION}.amazonses.com"]
    assert records[(ACME, "TXT")] == records[(f"mail.{ACME}", "TXT")] == ['"v=spf1 include:amazonses.com ~all"']
    assert records[(f"_dmarc.{ACME}", "TXT")] == [f'"v=DMARC1; p=quarantine; rua=mailto:postmaster@{ACME}"']
    ours = {key for key in records if key not in {(ACME, "NS"), (ACME, "SOA")}}
    assert len(ours) == 9
    assert made["NameServers"].split(", ") == [server.rstrip(".") for server in records[(ACME, "NS")]]


def test_identity_and_configuration_set(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """2048 bits, MAIL FROM, TLS required, and both are the SES tenant's."""
    sesv2 = platform.client("sesv2")
    for tenant, domain in (("acme", ACME), ("globex", GLOBEX)):
        made = outputs[f"Tenant-{tenant}"]
        identity = sesv2.get_email_identity(EmailIdentity=domain)
        assert identity["MailFromAttributes"]["MailFromDomain"] == f"mail.{domain}"
        assert identity["DkimAttributes"]["SigningEnabled"]
        assert identity["DkimAttributes"]["NextSigningKeyLength"] == "RSA_2048_BIT"
        assert identity["ConfigurationSetName"] == made["ConfigurationSetName"]
        configuration_set = sesv2.get_configuration_set(ConfigurationSetName=made["ConfigurationSetName"])
        assert configuration_set["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"
        assert configuration_set["ReputationOptions"]["ReputationMetricsEnabled"]
        held = {r["ResourceArn"] for r in sesv2.list_tenant_resources(TenantName=tenant)["TenantResources"]}
        assert made["IdentityArn"] in held
        assert len(held) == 2


def test_rules_are_in_the_active_set(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """107 addresses are two rules; the catch-all is one with the domain; all require TLS and scan."""
    rules = active_rules(platform)
    assert rules.pop("name") == "email-cell-eu"
    assert set(rules) == {"acme-0", "acme-1", "globex-0"}
    recipients = rules["acme-0"]["Recipients"] + rules["acme-1"]["Recipients"]
    assert len(recipients) == 108  # 106 of its own, postmaster and abuse
    assert f"support@{ACME}" in recipients
    assert rules["globex-0"]["Recipients"] == [GLOBEX]
    for name, rule in rules.items():
        assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (True, True, "Require")
        bucket = outputs[f"Tenant-{name.split('-')[0]}"]["BucketName"]
        ((kind, action),) = rule["Actions"][0].items()
        assert (kind, len(rule["Actions"])) == ("S3Action", 1)
        assert ":Cell-eu-ScannerEnvelopesTopic" in action.pop("TopicArn")
        assert action == {"BucketName": bucket, "ObjectKeyPrefix": "raw/"}


def test_bucket_is_guarded(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Versioned, encrypted, not public, logged, with a lifecycle."""
    s3, bucket = platform.client("s3"), outputs["Tenant-acme"]["BucketName"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetPrefix"] == "acme/"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {rule["ID"] for rule in rules} == {"ExpireHeld", "ExpireRaw", "ExpireReplaced"}


def test_mail_arrives_in_the_bucket_of_its_tenant_only(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Through the active rule set: designated addresses and the catch-all take mail, others and plain text do not."""
    buckets = {tenant: outputs[f"Tenant-{tenant}"]["BucketName"] for tenant in ("acme", "globex")}

    def delivered(recipient: str, *, tls: bool = True) -> list[str]:
        receipt = platform.emulator.receive(MAIL, [recipient], REGION, tls=tls)
        assert receipt.failures == ()
        assert receipt.accepted is bool(receipt.objects)
        assert all(stored.key.startswith("raw/") for stored in receipt.objects)
        return [stored.bucket for stored in receipt.objects]

    assert delivered(f"support@{ACME}") == [buckets["acme"]]
    assert delivered(f"agent104@{ACME}") == [buckets["acme"]]
    assert delivered(f"whoever@{GLOBEX}") == [buckets["globex"]]
    assert delivered(f"unknown@{ACME}") == []
    assert delivered(f"support@{ACME}", tls=False) == []
    assert delivered("support@elsewhere.example") == []


def test_nobody_reads_quarantine(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Who may do everything may list what waits to be scanned, but not read it, in no version."""
    s3, bucket = platform.administrator("s3"), outputs["Tenant-acme"]["BucketName"]
    versions = s3.list_object_versions(Bucket=bucket, Prefix="raw/")["Versions"]
    assert versions
    for version in versions:
        for which in ({}, {"VersionId": version["VersionId"]}):
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.get_object(Bucket=bucket, Key=version["Key"], **which)
    s3.put_object(Bucket=bucket, Key="elsewhere/key", Body=b"readable")
    assert s3.get_object(Bucket=bucket, Key="elsewhere/key")["Body"].read() == b"readable"


def test_self_managed_records_are_outputs(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """Eight zone-file lines with SES's own tokens in them, and no hosted zone."""
    lines = [outputs["Tenant-globex"][f"DnsRecord{number}"] for number in range(1, 9)]
    assert "HostedZoneId" not in outputs["Tenant-globex"]
    assert [line.split()[3] for line in lines] == ["CNAME", "CNAME", "CNAME", "MX", "MX", "TXT", "TXT", "TXT"]
    tokens = platform.client("sesv2").get_email_identity(EmailIdentity=GLOBEX)["DkimAttributes"]["Tokens"]
    assert [line.split()[0] for line in lines[:3]] == [f"{token}._domainkey.{GLOBEX}." for token in tokens]
    zones = [zone["Name"] for zone in platform.client("route53").list_hosted_zones()["HostedZones"]]
    assert zones == [f"{ACME}."]


def test_alerts_wait_for_confirmation(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """The operator's address is subscribed to a topic that is encrypted with the cell's key."""
    sns, topic = platform.client("sns"), outputs["Tenant-acme"]["AlertsTopicArn"]
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@acme.example")
    assert (
        sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == outputs["Cell-eu"]["AlertsKeyArn"]
    )


def test_second_deployment_changes_nothing(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """The same config is no difference."""
    done = platform.email_stack("diff", "--all", "--fail", "--config", str(platform.folder / "tenants.yaml"))
    assert done.returncode == 0, done.stderr


def test_update_adds_an_address_and_pauses_the_other_tenant(
    platform: Platform, outputs: dict[str, dict[str, str]]
) -> None:
    """One `cdk deploy` of one tenant, by the CDK CLI itself, leaves the other alone."""
    changed = acme()
    changed["addresses"].append("new")
    config = platform.write_config([changed, globex(removal="destroy", live=False)])
    differs = platform.email_stack("diff", "acme", "--fail", "--config", str(config))
    assert differs.returncode == 6, differs.stderr
    done = platform.run(
        [
            *("cdk", "deploy", "Tenant-acme", "-c", "tenant=acme", "-c", f"config={config}"),
            *("--app", f"{shlex.join([sys.executable, str(PROJECT_ROOT / 'app.py')])} ", "--require-approval", "never"),
            *("--output", str(platform.folder / "cdk.out")),
        ]
    )
    assert done.returncode == 0, done.stderr
    rules = active_rules(platform)
    assert f"new@{ACME}" in rules["acme-1"]["Recipients"]
    assert rules["globex-0"]["Enabled"] is True

    platform.json("deploy", "globex", "--yes", "--config", str(config))
    assert active_rules(platform)["globex-0"]["Enabled"] is False
    assert platform.emulator.receive(MAIL, [f"whoever@{GLOBEX}"], REGION).objects == ()
    name = outputs["Tenant-globex"]["ConfigurationSetName"]
    sending = platform.client("sesv2").get_configuration_set(ConfigurationSetName=name)["SendingOptions"]
    assert sending["SendingEnabled"] is False


def test_destroy_is_refused_while_live_and_shown_before_it_is_done(
    platform: Platform, outputs: dict[str, dict[str, str]]
) -> None:
    """A live tenant is not destroyed by accident, and without --yes nothing is."""
    config = str(platform.folder / "tenants.yaml")
    refused = platform.email_stack("destroy", "acme", "--yes", "--config", config)
    assert refused.returncode == 5
    assert 'tenant "acme" is live' in refused.stderr
    shown = platform.json("destroy", "globex", "--config", config)
    assert shown == {"ok": True, "applied": False, "stacks": ["Tenant-globex"], "removal": "destroy"}
    assert "globex-0" in active_rules(platform)


def test_cell_is_not_deleted_under_its_tenants(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """CloudFormation keeps a cell whose exports a tenant imports."""
    with pytest.raises(ClientError, match=r"Export .* imported by stack"):
        platform.client("cloudformation").delete_stack(StackName="Cell-eu")
    assert active_rules(platform)["name"] == "email-cell-eu"


def test_removal_with_destroy_takes_the_data(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """`removal: destroy`: every version of every mail, then the bucket; the other tenant stays."""
    bucket = outputs["Tenant-globex"]["BucketName"]
    done = platform.json("destroy", "globex", "--yes", "--config", str(platform.folder / "tenants.yaml"))
    assert done["versions_deleted"] >= 1
    assert (done["applied"], done["stacks"]) == (True, ["Tenant-globex"])
    assert bucket not in [b["Name"] for b in platform.client("s3").list_buckets()["Buckets"]]
    assert set(active_rules(platform)) == {"name", "acme-0", "acme-1"}


def test_destroying_what_is_gone_says_so(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """The second time nothing is deleted, and that is what is told."""
    config = str(platform.folder / "tenants.yaml")
    again = platform.json("destroy", "globex", "--yes", "--config", config)
    nothing = {"stacks": [], "removal": "destroy", "versions_deleted": 0, "reason": "not deployed"}
    assert again == {"ok": True, "applied": False, **nothing}
    text = platform.email_stack("destroy", "globex", "--yes", "--config", config)
    assert (text.returncode, text.stdout) == (0, "globex: is not deployed, nothing was deleted\n")


def test_removal_keeps_the_data_by_default(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """The tenant's mail and zone stay, guarded as before; identity, rules and topic go."""
    made = outputs["Tenant-acme"]
    config = platform.write_config([acme(live=False)])
    platform.json("deploy", "acme", "--yes", "--config", str(config))
    platform.json("destroy", "acme", "--yes", "--config", str(config))
    s3 = platform.client("s3")
    assert s3.list_object_versions(Bucket=made["BucketName"], Prefix="raw/")["Versions"]
    assert "DenyReadingQuarantine" in s3.get_bucket_policy(Bucket=made["BucketName"])["Policy"]
    zones = [zone["Id"].split("/")[-1] for zone in platform.client("route53").list_hosted_zones()["HostedZones"]]
    assert zones == [made["HostedZoneId"]]
    assert active_rules(platform) == {"name": "email-cell-eu"}
    with pytest.raises(ClientError, match="NotFound"):
        platform.client("sesv2").get_email_identity(EmailIdentity=ACME)
    with pytest.raises(ClientError):
        platform.client("sns").get_topic_attributes(TopicArn=made["AlertsTopicArn"])


def test_deleted_cell_leaves_nothing_active(platform: Platform, outputs: dict[str, dict[str, str]]) -> None:
    """On delete, the cell deactivates its own set before the set goes."""
    cloudformation = platform.client("cloudformation")
    cloudformation.delete_stack(StackName="Cell-eu")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="Cell-eu", WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200}
    )
    assert active_rules(platform) == {"name": None}
    assert platform.client("ses").list_receipt_rule_sets()["RuleSets"] == []
