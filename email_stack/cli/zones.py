"""The zones that `destroy` deletes: no stack does, so that no update can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constructs_lib.naming import REMOVAL_METADATA
from email_stack.cli.output import CommandError, ExitCode
from email_stack.operations.aws import aws_errors, code_of, session

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

__all__ = ["Zone", "delete_zones", "mark_zones", "marked_zones", "zone_of"]

_MARK: Final = "destroy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """A hosted zone as Route 53 has it.

    Args:
        id: without `/hostedzone/`.
        domain: its name, without the last dot.
        name_servers: its own four, without last dots, in lower case.
    """

    id: str
    domain: str
    name_servers: tuple[str, ...]


def zone_of(zone_id: str, region: str) -> Zone | None:
    """The zone with this id; None where it is gone. Raises `AwsError`."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see email_stack.operations.aws

    with aws_errors(f"hosted zone {zone_id}: cannot be read"):
        try:
            found = _route53(region).get_hosted_zone(Id=zone_id)
        except ClientError as error:
            if code_of(error) == "NoSuchHostedZone":
                return None
            raise
    servers = found.get("DelegationSet", {}).get("NameServers", [])
    return Zone(
        id=zone_id,
        domain=found["HostedZone"]["Name"].rstrip("."),
        name_servers=tuple(name.rstrip(".").lower() for name in servers),
    )


def mark_zones(zones: tuple[Zone, ...], region: str) -> None:
    """Note at each that it is to be deleted, so that it is found again when its stack is gone. Raises `AwsError`."""
    for zone in zones:
        with aws_errors(f"hosted zone {zone.id}: cannot be tagged"):
            _route53(region).change_tags_for_resource(
                ResourceType="hostedzone", ResourceId=zone.id, AddTags=[{"Key": REMOVAL_METADATA, "Value": _MARK}]
            )


def marked_zones(domain: str, tenant: str, region: str) -> tuple[Zone, ...]:
    """The tenant's zones of this name that are marked, as a removal leaves them that ended too early. Raises `AwsError`."""
    found = []
    with aws_errors(f"hosted zones of {domain}: cannot be listed"):
        client = _route53(region)
        for listed in client.list_hosted_zones_by_name(DNSName=domain)["HostedZones"]:
            if listed["Name"].rstrip(".") != domain:
                break
            zone_id = listed["Id"].rpartition("/")[2]
            answer = client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id)
            tags = {tag["Key"]: tag["Value"] for tag in answer["ResourceTagSet"]["Tags"]}
            if tags.get(REMOVAL_METADATA) == _MARK and tags.get("tenant") == tenant:
                found.append(zone_id)
    return tuple(zone for one in found if (zone := zone_of(one, region)) is not None)


def delete_zones(zones: tuple[Zone, ...], region: str) -> None:
    """Delete them; one that is gone already is no failure.

    Raises:
        CommandError: one holds records that no stack made.
        AwsError: AWS refused.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see email_stack.operations.aws

    for zone in zones:
        with aws_errors(f"hosted zone {zone.id} of {zone.domain}: cannot be deleted"):
            try:
                _route53(region).delete_hosted_zone(Id=zone.id)
            except ClientError as error:
                code = code_of(error)
                if code == "HostedZoneNotEmpty":
                    raise CommandError(
                        f"hosted zone {zone.id} is not empty",
                        f"{zone.domain}: the stack is gone, and its zone holds records that it did not make; delete them, then say "
                        "the same command again",
                        ExitCode.CDK_FAILED,
                    ) from error
                if code != "NoSuchHostedZone":
                    raise


def _route53(region: str) -> Route53Client:
    return session().client("route53", region_name=region)
