"""Risks of a stack update, from the deployed template and the new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from email_stack.output.printable import counted
from email_stack.transitions.receiving import receives, uncovered
from email_stack.transitions.resources import DATA, Template, keeps, told
from email_stack.transitions.updates import Fate, fates, refers_to
from mailroom.layout import BODIES_PREFIX

__all__ = ["Risk", "RiskKind", "risks"]


class RiskKind(StrEnum):
    """Kinds of risks."""

    DATA = "data"
    """A resource with mail, or a key for it, is deleted or replaced by an empty one."""
    DELEGATION = "delegation"
    """The NS record that leads to the zone is deleted."""
    EXPORT = "export"
    """An export that another stack may import changes or is deleted."""
    LEFT = "left"
    """A resource is left behind that no stack has any more."""
    QUEUE = "queue"
    """S3 notifies another scanner, and mail that waits for the old one is not scanned."""
    RENAMED = "renamed"
    """The subdomain changes."""
    RETENTION = "retention"
    """Mail is deleted sooner than planned."""
    UNREAD = "unread"
    """The deployed stack is unknown."""
    RULES = "rules"
    """Addresses have no receipt rule for a moment, or none at all."""
    ZONE = "zone"
    """The zone loses its records, and belongs to no stack any more."""
    ZONE_DELETED = "zone-deleted"
    """CloudFormation deletes the zone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    """A risk of an update for deployed resources.

    Args:
        kind: its kind.
        text: the effect, as a clause about the stack.
        refused: whether it would lose mail, so that the deployment is refused.
        steps: the safe steps, in order.
        movable: whether `email-stack move` makes these steps.
        subject: its subject: a domain, the name of an export, a logical id.
    """

    kind: RiskKind
    text: str
    refused: bool
    steps: tuple[str, ...] = ()
    movable: bool = False
    subject: str = ""


def risks(deployed: Template, wanted: Template) -> tuple[Risk, ...]:
    """Risks of an update from `deployed` to `wanted`, refused ones first.

    Args:
        deployed: the stack's template, with existing resources only.
        wanted: the new template.
    """
    update = _Update(deployed, wanted)
    found = [
        *update.renamed(),
        *update.zones(),
        *update.delegation(),
        *update.data(),
        *update.rules(),
        *update.exports(),
        *update.queue(),
        *update.retention(),
    ]
    return tuple(sorted(found, key=lambda risk: not risk.refused))


class _Update:
    """Both templates, and the effect on each resource."""

    def __init__(self, deployed: Template, wanted: Template) -> None:
        self._deployed, self._wanted = deployed, wanted
        self._fates: dict[str, Fate] = fates(deployed, wanted)
        self._live = receives(deployed) or _sends(deployed)
        self._is_renamed = any(self._going("AWS::SES::EmailIdentity"))

    def _going(self, type_: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Deployed resources of a type that do not stay."""
        for name, resource in self._deployed.get("Resources", {}).items():
            if resource["Type"] == type_ and self._fates[name] != "stays":
                yield name, resource

    def renamed(self) -> Iterator[Risk]:
        """A changed identity is a changed subdomain."""
        for name, resource in self._going("AWS::SES::EmailIdentity"):
            old = _property(resource, "EmailIdentity")
            new = _property(self._wanted.get("Resources", {}).get(name, {}), "EmailIdentity") or "nothing"
            yield Risk(
                kind=RiskKind.RENAMED,
                text=f"its subdomain {old} becomes {new}: mail to {old} bounces at once, and its sending identity is "
                "deleted",
                refused=self._live,
                steps=(
                    f"add a second tenant with an id of its own and subdomain {new}, deploy it, have its DNS set up, and check",
                    f"keep both until {old} receives no more mail",
                    "then remove this tenant: docs/onboarding.md, Removing a tenant",
                ),
                subject=str(old),
            )

    def zones(self) -> Iterator[Risk]:
        """A dropped zone loses its records with the update, kept or not."""
        for name, resource in self._going("AWS::Route53::HostedZone"):
            domain = _property(resource, "Name").rstrip(".")
            goes = self._fates[name] == "goes"
            kept = keeps({**resource, "Metadata": {}}) if goes else self._kept_when_replaced(name)
            if not kept:
                yield Risk(
                    kind=RiskKind.ZONE_DELETED,
                    text=f"its hosted zone {domain} is deleted; the next owner of its name servers could answer for it",
                    refused=True,
                    steps=(
                        *(("`email-stack move TENANT`: it is kept from then on; or by hand:",) if goes else ()),
                        "write dns and subdomain as they are deployed, and deploy: from then on no update deletes the zone",
                        "then change them",
                    ),
                    movable=goes,
                    subject=domain,
                )
            elif self._is_renamed:
                yield Risk(
                    kind=RiskKind.LEFT,
                    text=f"its hosted zone {domain} is left behind without records; delete it by hand once its delegation is gone",
                    refused=False,
                    subject=domain,
                )
            else:
                yield Risk(
                    kind=RiskKind.ZONE,
                    text=f"its hosted zone {domain} loses all its records at once and is left behind: mail to it bounces, and "
                    "what it sends fails DKIM and DMARC, wherever its delegation is still known",
                    refused=True,
                    steps=_steps_of_zone(domain, ours=any(self._ns_records())),
                    subject=domain,
                )

    def delegation(self) -> Iterator[Risk]:
        """The NS record in a parent zone of ours; not if the zone itself goes, which has a risk of its own."""
        zone_stays = not any(self._going("AWS::Route53::HostedZone"))
        for name, resource in self._ns_records():
            domain = _property(resource, "Name").rstrip(".")
            if self._fates[name] != "goes" or not zone_stays:
                continue
            if keeps(resource):
                yield Risk(
                    kind=RiskKind.LEFT,
                    text=f"the NS record of {domain} is left in its parent zone and still delegates; the owner of that zone "
                    "changes it or deletes it by hand",
                    refused=False,
                    subject=domain,
                )
            else:
                yield Risk(
                    kind=RiskKind.DELEGATION,
                    text=f"the NS record of {domain} is deleted from its parent zone; without another NS record its mail bounces",
                    refused=self._live,
                    steps=(
                        "`email-stack move TENANT`: the record stays in the parent zone, and is no stack's any more",
                        "have the owner of that zone change it later",
                        "check: `email-stack dns-check TENANT`",
                    ),
                    movable=True,
                    subject=domain,
                )

    def data(self) -> Iterator[Risk]:
        """Buckets, tables and keys."""
        for name, resource, kind in told(self._deployed):
            if kind in DATA - {"hosted zone"} and self._fates[name] != "stays":
                replaced = self._fates[name] == "replaced"
                kept = self._kept_when_replaced(name) if replaced else keeps(resource)
                after = "is left behind" if kept else "is deleted"
                yield Risk(
                    kind=RiskKind.DATA,
                    text=f"its {kind} {name} {after}, and {'an empty one takes its place' if replaced else 'none takes its place'}",
                    refused=True,
                    steps=(
                        "keep its logical id and its create-only properties: `email-stack diff` shows the differences",
                    ),
                    subject=name,
                )

    def rules(self) -> Iterator[Risk]:
        """The rule set itself, and addresses that move from rule to rule."""
        for kind in ("AWS::SES::ReceiptRuleSet", "Custom::ActiveReceiptRuleSet"):
            for name, _resource in self._going(kind):
                yield Risk(
                    kind=RiskKind.RULES,
                    text=f"its receipt rule set ({name}) is deleted or replaced: no tenant of the cell receives mail meanwhile",
                    refused=True,
                    steps=("make a second cell in another region or account", "bring its tenants in there"),
                    subject=name,
                )
        if missing := uncovered(self._deployed, self._wanted, self._fates):
            yield Risk(
                kind=RiskKind.RULES,
                text=f"{len(missing)} of its addresses, {missing[0]} among them, would have no receipt rule for some seconds: "
                "they move to a later one, and SES rejects their mail permanently meanwhile",
                refused=True,
                steps=(
                    "`email-stack move TENANT`: a receipt rule more takes them until the others do; or append new addresses, those "
                    "of role_addresses too, at the end of `addresses`: then none moves",
                ),
                movable=True,
                subject=missing[0],
            )

    def exports(self) -> Iterator[Risk]:
        """Exports whose name is removed or whose value changes."""
        gone = {name for name, fate in self._fates.items() if fate != "stays"}
        after = {_export(one): one.get("Value") for one in self._wanted.get("Outputs", {}).values() if _export(one)}
        for output in self._deployed.get("Outputs", {}).values():
            name = _export(output)
            if not name or (name in after and after[name] == output["Value"] and not refers_to(output["Value"], gone)):
                continue
            yield Risk(
                kind=RiskKind.EXPORT,
                text=f"its export {name} {'changes' if name in after else 'goes'}",
                refused=True,
                steps=(
                    "deploy the config as it was, with this release: the stacks that import it then do without",
                    "then change it; a stack that is none of ours must stop importing it first",
                ),
                subject=name,
            )

    def queue(self) -> Iterator[Risk]:
        """The queue for a bucket's notifications."""
        after = self._wanted.get("Resources", {})
        for name, resource, kind in told(self._deployed):
            old = _told_of_mail(resource)
            if kind == "bucket" and old is not None and old != (new := _told_of_mail(after.get(name, {}))) and new:
                yield Risk(
                    kind=RiskKind.QUEUE,
                    text="its mail goes to another scanner; mail that waits for the old one is queued again after the deployment",
                    refused=False,
                    subject=name,
                )

    def retention(self) -> Iterator[Risk]:
        """Shorter expirations: older objects are deleted within a day or two. The table's items have ends of their own."""
        after = self._wanted.get("Resources", {})
        for name, resource, kind in told(self._deployed):
            if kind == "bucket" and name in after:
                old, new = _expirations(resource), _expirations(after[name])
                for prefix, days in sorted(new.items()):
                    if days < old.get(prefix, days + 1):
                        yield Risk(
                            kind=RiskKind.RETENTION,
                            text=f"what is below {prefix} of its bucket and older than {counted(days, 'day')} is deleted",
                            refused=False,
                            subject=prefix,
                        )
                if old.get(BODIES_PREFIX) != new.get(BODIES_PREFIX):
                    yield Risk(
                        kind=RiskKind.RETENTION,
                        text="stored messages keep their ends until `email-stack retention TENANT --yes` is run",
                        refused=False,
                        subject="messages",
                    )

    def _ns_records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, resource in self._deployed.get("Resources", {}).items():
            if resource["Type"] == "AWS::Route53::RecordSet" and _property(resource, "Type") == "NS":
                yield name, resource

    def _kept_when_replaced(self, name: str) -> bool:
        """Whether a replaced resource is kept, by the new template, which CloudFormation applies then."""
        return str(self._wanted["Resources"][name].get("UpdateReplacePolicy", "Delete")) != "Delete"


def _steps_of_zone(domain: str, *, ours: bool) -> tuple[str, ...]:
    first = (
        (
            "drop parent_zone alone first, with the records in the parent zone beforehand: they answer once its NS record is gone",
        )
        if ours
        else ()
    )
    return (
        *first,
        "print the records, with dns: self-managed in the config and nothing deployed: `email-stack dns-records TENANT`",
        f"have the owner, in one change of its zone, take the NS record of {domain} out and put these records in",
        "wait for the NS record's TTL, and check: `email-stack dns-check TENANT` says ok",
        "then deploy; the change is refused until the records answer and no delegation leads to the zone any more",
    )


def _sends(template: Template) -> bool:
    """Whether a configuration set of the stack allows sending."""
    return any(
        one.get("Properties", {}).get("SendingOptions", {}).get("SendingEnabled") is not False
        for one in template.get("Resources", {}).values()
        if one["Type"] == "AWS::SES::ConfigurationSet"
    )


def _property(resource: Mapping[str, Any], name: str) -> str:
    value = resource.get("Properties", {}).get(name, "")
    return value if isinstance(value, str) else ""


def _export(output: Mapping[str, Any]) -> str:
    name = output.get("Export", {}).get("Name", "")
    return name if isinstance(name, str) else ""


def _told_of_mail(bucket: Mapping[str, Any]) -> Any:
    """The queue that the bucket notifies of arrivals: the first one in the bucket's template."""
    configured = bucket.get("Properties", {}).get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    return configured[0].get("Queue") if configured else None


def _expirations(bucket: Mapping[str, Any]) -> dict[str, int]:
    rules = bucket.get("Properties", {}).get("LifecycleConfiguration", {}).get("Rules", [])
    return {
        one["Prefix"]: int(one["ExpirationInDays"])
        for one in rules
        if "Prefix" in one and str(one.get("ExpirationInDays", "")).isdecimal()
    }
