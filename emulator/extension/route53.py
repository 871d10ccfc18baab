"""Hosted zones, records and record groups.

Ministack knows the first two types, but writes past its own API: it deletes zones that still have records, returns two
name servers that differ from the zone's NS record, and lets every zone share them. It has no RecordSetGroup. Its API
also takes records that Route 53 refuses: `route53_rules` looks at each change batch first.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import ClientError

from emulator.extension import route53_rules, upstream
from emulator.extension.upstream import Properties, Provisioned, Response

MODULE = "services.route53"
TOP_LEVELS = ("com", "net", "org", "co.uk")
ACTIONS = ("CREATE", "UPSERT")
RECORD_PROPERTIES = frozenset(
    {
        "AliasTarget",
        "CidrRoutingConfig",
        "Comment",
        "Failover",
        "GeoLocation",
        "GeoProximityLocation",
        "HealthCheckId",
        "HostedZoneId",
        "HostedZoneName",
        "MultiValueAnswer",
        "Name",
        "Region",
        "ResourceRecords",
        "SetIdentifier",
        "TTL",
        "Type",
        "Weight",
    }
)
_changing = threading.Lock()


def install() -> None:
    """Register the three types, check change batches, give each zone name servers of its own."""
    upstream.replace(MODULE, "_change_resource_record_sets", _checked)
    upstream.replace(MODULE, "_create_hosted_zone", _with_own_servers)
    upstream.replace(MODULE, "_get_hosted_zone", _answering_own_servers)
    upstream.register(
        upstream.ResourceType(
            name="AWS::Route53::HostedZone",
            properties=frozenset({"HostedZoneConfig", "HostedZoneTags", "Name", "QueryLoggingConfig", "VPCs"}),
            create=_create_zone,
            update=_update_zone,
            delete=_delete_zone,
            replacing=("Name",),
            tags="HostedZoneTags",
        )
    )
    upstream.register(
        upstream.ResourceType(
            name="AWS::Route53::RecordSet",
            properties=RECORD_PROPERTIES,
            create=lambda _id, new, _stack: _write([new], [], new, new["Name"]),
            update=lambda _id, old, new: _write([new], [old], new, new["Name"]),
            delete=lambda _id, old: _remove([old], old),
            replacing=("HostedZoneId", "HostedZoneName", "Name", "SetIdentifier", "Type"),
        )
    )
    upstream.register(
        upstream.ResourceType(
            name="AWS::Route53::RecordSetGroup",
            properties=frozenset({"Comment", "HostedZoneId", "HostedZoneName", "RecordSets"}),
            create=_create_group,
            update=lambda physical_id, old, new: _write(new["RecordSets"], old["RecordSets"], new, physical_id),
            delete=lambda _id, old: _remove(old["RecordSets"], old),
            replacing=("HostedZoneId", "HostedZoneName"),
        )
    )


# The API


def _checked(original: Any) -> Any:
    def change(zone_id: str, body: bytes) -> Response:
        with _changing:
            found = _faults(zone_id, body)
            if found:
                return _error("InvalidChangeBatch", f"[{', '.join(found)}]")
            response: Response = original(zone_id, body)
            return response

    return change


def _faults(zone_id: str, body: bytes) -> list[str]:
    """Route 53's faults of a batch: of each record, then of the zone after the batch."""
    zone = upstream.attribute(MODULE, "_zones").get(zone_id)
    try:
        changes = ElementTree.fromstring(body).findall(".//{*}Change")
    except ElementTree.ParseError:
        changes = []
    if zone is None or not changes:
        return []  # ministack has its own answer to these
    parse, key = upstream.attribute(MODULE, "_parse_record_set"), upstream.attribute(MODULE, "_rs_key")
    after = {key(record): record for record in upstream.attribute(MODULE, "_records")[zone_id]}
    found = []
    for change in changes:
        action = change.findtext("{*}Action")
        record = parse(change.find("{*}ResourceRecordSet"))
        record["Name"] = record["Name"].lower()
        if action in ACTIONS:
            found += route53_rules.faults(record, zone["name"])
            after[key(record)] = record
        else:
            after.pop(key(record), None)
            if record["Name"] == zone["name"] and record["Type"] in ("NS", "SOA"):
                found.append(f"A HostedZone must contain exactly one {record['Type']} record: {zone['name']}")
    return found or route53_rules.conflicts(list(after.values()), zone["name"])


def _with_own_servers(original: Any) -> Any:
    def create(body: bytes, query: dict[str, Any]) -> Response:
        response: Response = original(body, query)
        if response[0] != 201:
            return response
        zone_id = str(ElementTree.fromstring(response[2]).findtext(".//{*}HostedZone/{*}Id")).rpartition("/")[2]
        servers = dict(zip(_shared_servers(), _own_servers(zone_id), strict=True))
        for record in upstream.attribute(MODULE, "_records")[zone_id]:
            record["ResourceRecords"] = [_renamed(value, servers) for value in record["ResourceRecords"]]
        return _localized(response, zone_id)

    return create


def _answering_own_servers(original: Any) -> Any:
    return lambda zone_id: _localized(original(zone_id), zone_id)


def _localized(response: Response, zone_id: str) -> Response:
    """An answer with the zone's own servers, without the last dot, as in Route 53's answers."""
    status, headers, body = response
    servers = {shared: own.rstrip(".") for shared, own in zip(_shared_servers(), _own_servers(zone_id), strict=True)}
    return status, headers, _renamed(body.decode(), servers).encode()


def _renamed(text: str, servers: dict[str, str]) -> str:
    for shared, own in servers.items():
        text = text.replace(shared, own)
    return text


def _shared_servers() -> list[str]:
    servers: list[str] = upstream.attribute(MODULE, "_DEFAULT_NS")
    return servers


def _own_servers(zone_id: str) -> list[str]:
    """Four servers in four top-level domains, with numbers as on AWS. No other zone has the same four."""
    digest = hashlib.sha256(zone_id.encode()).digest()
    numbers = [place * 512 + int.from_bytes(digest[2 * place : 2 * place + 2]) % 512 for place in range(4)]
    return [f"ns-{n}.awsdns-{n % 64:02}.{top}." for n, top in zip(numbers, TOP_LEVELS, strict=True)]


def _error(code: str, message: str) -> Response:
    response: Response = upstream.attribute(MODULE, "_error_response")(code, message)
    return response


# Hosted zones


def _create_zone(_logical_id: str, properties: Properties, _stack_name: str) -> Provisioned:
    if properties.get("VPCs"):
        raise ValueError("AWS::Route53::HostedZone: private zones are not emulated")
    config = properties.get("HostedZoneConfig") or {}
    created = upstream.client("route53").create_hosted_zone(
        Name=properties["Name"],
        CallerReference=upstream.attribute("core.responses", "new_uuid")(),
        **({"HostedZoneConfig": config} if config else {}),
    )
    zone_id = created["HostedZone"]["Id"].rpartition("/")[2]
    _tag_zone(zone_id, {}, properties)
    return _zone(zone_id)


def _update_zone(physical_id: str, old: Properties, new: Properties) -> Provisioned:
    comment = (new.get("HostedZoneConfig") or {}).get("Comment", "")
    upstream.client("route53").update_hosted_zone_comment(Id=physical_id, Comment=comment)
    _tag_zone(physical_id, old, new)
    return _zone(physical_id)


def _delete_zone(physical_id: str, _properties: Properties) -> None:
    try:
        upstream.client("route53").delete_hosted_zone(Id=physical_id)
    except ClientError as error:
        if not upstream.gone(error, "NoSuchHostedZone"):
            raise


def _tag_zone(zone_id: str, old: Properties, new: Properties) -> None:
    before, after = ({tag["Key"] for tag in side.get("HostedZoneTags") or []} for side in (old, new))
    request: dict[str, Any] = {}
    if after:
        request["AddTags"] = new["HostedZoneTags"]
    if before - after:
        request["RemoveTagKeys"] = sorted(before - after)
    if request:
        upstream.client("route53").change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id, **request)


def _zone(zone_id: str) -> Provisioned:
    servers = upstream.client("route53").get_hosted_zone(Id=zone_id)["DelegationSet"]["NameServers"]
    return zone_id, {"Id": zone_id, "NameServers": servers}


# Records


def _create_group(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    name = upstream.generated_name(stack_name, logical_id)
    return _write(properties["RecordSets"], [], properties, name)


def _write(new: list[Properties], old: list[Properties], place: Properties, physical_id: str) -> Provisioned:
    """Change the records from `old` to `new` with one change batch of their differences."""
    before, after = _keyed(old), _keyed(new)
    changes = [_change("DELETE", record) for key, record in before.items() if key not in after]
    changes += [_change("CREATE", record) for key, record in after.items() if key not in before]
    changes += [_change("UPSERT", record) for key, record in after.items() if before.get(key, record) != record]
    _submit(changes, place)
    return physical_id, {"Id": physical_id}


def _remove(old: list[Properties], place: Properties) -> None:
    """Delete the remaining records. A deleted zone has none."""
    try:
        zone_id = _zone_id(place)
        pages = upstream.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        present = {_key(record) for page in pages for record in page["ResourceRecordSets"]}
        _submit([_change("DELETE", record) for key, record in _keyed(old).items() if key in present], place)
    except ClientError as error:
        if not upstream.gone(error, "NoSuchHostedZone"):
            raise


def _submit(changes: list[dict[str, Any]], place: Properties) -> None:
    if changes:
        batch = {"Changes": changes, "Comment": place.get("Comment", "")}
        upstream.client("route53").change_resource_record_sets(HostedZoneId=_zone_id(place), ChangeBatch=batch)


def _zone_id(place: Properties) -> str:
    if given := place.get("HostedZoneId"):
        return str(given).rpartition("/")[2]
    wanted = f"{str(place.get('HostedZoneName', '')).rstrip('.')}."
    zones = upstream.client("route53").list_hosted_zones_by_name(DNSName=wanted)["HostedZones"]
    found = [zone["Id"].rpartition("/")[2] for zone in zones if zone["Name"] == wanted]
    if len(found) != 1:
        raise ValueError(f"HostedZoneName {wanted} must name one hosted zone, found {len(found)}")
    return str(found[0])


def _keyed(records: list[Properties]) -> dict[tuple[str, str, str], dict[str, Any]]:
    keyed = {_key(record := _as_api(properties)): record for properties in records}
    if len(keyed) < len(records):
        raise ValueError("InvalidChangeBatch: the batch contains the same record set twice")
    return keyed


def _key(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["Name"].lower().rstrip("."), record["Type"], record.get("SetIdentifier", "")


def _as_api(properties: Properties) -> dict[str, Any]:
    """A template's record in the API's form."""
    upstream.only(RECORD_PROPERTIES, properties, "AWS::Route53::RecordSet")
    left_out = ("Comment", "HostedZoneId", "HostedZoneName")
    record = {key: value for key, value in properties.items() if key not in left_out}
    if "ResourceRecords" in record:
        record["ResourceRecords"] = [{"Value": value} for value in record["ResourceRecords"]]
    for name in ("TTL", "Weight"):
        if name in record:
            record[name] = int(record[name])
    if target := record.get("AliasTarget"):
        record["AliasTarget"] = {**target, "EvaluateTargetHealth": upstream.flag(target.get("EvaluateTargetHealth"))}
    return record


def _change(action: str, record: dict[str, Any]) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": record}
