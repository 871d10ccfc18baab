"""Judges the answers: one verdict a question. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from constructs_lib.naming import receipt_rule_set_name
from email_stack.config import Cell
from email_stack.config.regions import RECEIVING_REGIONS
from email_stack.config.sections import ParentZone
from email_stack.doctor.model import State, Verdict
from email_stack.doctor.needs import Need
from email_stack.doctor.reads import Amount, HostedZone, SendingState
from email_stack.doctor.sources import GLOBAL_REGION, QuotaSource

__all__ = [
    "BOOTSTRAP_VERSION",
    "MEMORY_OF_EVERY_ACCOUNT",
    "Servers",
    "bootstrap",
    "credentials",
    "hosted_zone",
    "image_builder",
    "memory",
    "parent_domain",
    "production_access",
    "quota",
    "region",
    "region_not_enabled",
    "rule_set",
    "sending",
    "tool",
]

BOOTSTRAP_VERSION: Final = 6
"""Least version for templates of the pinned aws-cdk-lib; a test reads it in them."""

MEMORY_OF_EVERY_ACCOUNT: Final = 3008
"""MiB of a function that every account allows, new ones too. Lambda developer guide, "Lambda quotas"."""

Servers = Collection[str] | None
"""Name servers that a resolver gives for a domain; None when the domain does not exist."""


def _ok(said: str) -> Verdict:
    return Verdict(state=State.OK, said=said)


def _wrong(said: str, remedy: str) -> Verdict:
    return Verdict(state=State.WRONG, said=said, remedy=remedy)


def credentials(cell: Cell, account: str, arn: str) -> Verdict:
    """Whether the credentials are for the cell's account."""
    if cell.account is not None and account != cell.account:
        return _wrong(
            f'{arn} is in account {account}, and cell "{cell.id}" in {cell.account}',
            f"use credentials of account {cell.account}, or correct `account` of the cell",
        )
    return _ok(f"{arn} in account {account}")


def region(cell: Cell) -> Verdict:
    """Whether SES receives mail there."""
    if cell.region not in RECEIVING_REGIONS:
        return _wrong(f"SES receives no mail in {cell.region}", f"use one of {', '.join(RECEIVING_REGIONS)}")
    return _ok(f"SES receives mail in {cell.region}")


def region_not_enabled(cell: Cell, account: str, remedy: str) -> Verdict:
    """Finding for a region that the account has not enabled."""
    return _wrong(
        f"STS does not take credentials of account {account} in {cell.region}, which it takes elsewhere", remedy
    )


def bootstrap(cell: Cell, account: str, version: int | None) -> Verdict:
    """Whether the CDK's bootstrap is there, and new enough for the templates."""
    remedy = f"run: .venv/bin/node node_modules/aws-cdk/bin/cdk bootstrap aws://{account}/{cell.region}"
    if version is None:
        return _wrong(f"{cell.region} of account {account} was not bootstrapped", remedy)
    if version < BOOTSTRAP_VERSION:
        return _wrong(f"is version {version}, and the templates need {BOOTSTRAP_VERSION} or later", remedy)
    return _ok(f"version {version}")


def production_access(found: SendingState) -> Verdict:
    """Whether SES sends to all addresses, or only to verified ones."""
    if found.production:
        return _ok(f"granted, {found.a_day} messages a day")
    said = f"SES is in its sandbox: it sends to verified addresses only, {found.a_day} messages a day"
    match found.review:
        case "PENDING":
            return _wrong(f"{said}; AWS looks at the request", "wait for AWS's answer, which comes by e-mail")
        case "DENIED":
            return _wrong(f"{said}; AWS denied the request", "answer AWS's case in the Support Center, and ask again")
        case "FAILED":
            return _wrong(f"{said}; the request failed", 'ask again for "Request production access" in the SES console')
    return _wrong(said, 'ask for "Request production access" in the SES console, in this region')


def sending(found: SendingState) -> Verdict:
    """Whether SES sends at all."""
    if found.enforcement == "SHUTDOWN":
        return _wrong("AWS has stopped the account's sending", "answer AWS's case in the Support Center")
    if not found.enabled:
        return _wrong(
            "the account's sending is paused",
            "find out who paused it and why, then run: aws sesv2 put-account-sending-attributes --sending-enabled",
        )
    if found.enforcement == "PROBATION":
        return _wrong(
            "AWS reviews the account's sending, and may stop it",
            "bring bounces and complaints down, and answer AWS's case in the Support Center",
        )
    return _ok("on")


def rule_set(cell: Cell, active: str | None) -> Verdict:
    """Whether the deployment may activate the cell's receipt rule set."""
    own = receipt_rule_set_name(cell.id)
    if active is None:
        return _ok("none is active yet")
    if active == own:
        return _ok(f'"{active}" is active')
    return _wrong(
        f'"{active}" is active in {cell.region}, and the deployment does not replace another set than its own',
        "move its rules and deactivate it, or put the cell into another region or account",
    )


def quota(cell: Cell, source: QuotaSource, need: Need, amount: Amount) -> Verdict:
    """Whether the quota is large enough for the need and the usage of others."""
    taken = f", {amount.used} taken" if amount.used is not None else ""
    wanted = need.total
    if amount.used is not None and need.missing:
        wanted = max(wanted, amount.used + need.missing)
    if wanted <= amount.limit:
        return _ok(f"{amount.limit} {source.what} allowed, {need.total} needed{taken}")
    more = f", {need.missing} of them not there yet" if need.missing is not None and amount.used is not None else ""
    said = f"{amount.limit} {source.what} allowed, {need.total} needed{more}{taken}"
    if not source.raisable:
        return _wrong(said, "put tenants into a cell in another account or region: AWS does not raise this quota")
    place = GLOBAL_REGION if source.account_wide else cell.region
    return _wrong(
        said,
        f'request {wanted} or more of "{source.title}" in the Service Quotas console: {source.console}, region {place}, '
        f"quota code {source.code}",
    )


def memory(needed: int, *, granted: int | None, deployed: bool) -> Verdict:
    """Whether the account allows the memory of the largest function. No API has this limit.

    Args:
        needed: MiB.
        granted: the limit in the config; None without one.
        deployed: whether a function with this memory is deployed.
    """
    if needed <= MEMORY_OF_EVERY_ACCOUNT:
        return _ok(f"{needed} MiB needed, which every account allows")
    if granted is not None and needed <= granted:
        return _ok(f"{needed} MiB needed, {granted} granted, says quotas.function_memory_mib")
    if deployed:
        return _ok(f"{needed} MiB needed, which the deployed scanner has")
    return Verdict(
        state=State.BY_HAND,
        said=f"{needed} MiB needed for one function; a new account may allow {MEMORY_OF_EVERY_ACCOUNT}, which no API tells",
        remedy=f"begin to create a function in the Lambda console, and set its memory to {needed} MB: if the console refuses, ask "
        "AWS Support for 10,240; then write quotas.function_memory_mib of this cell",
    )


def image_builder(wanted: str, found: Collection[str], *, needed: bool | None) -> Verdict:
    """Whether the images of scanners and settings APIs can be built here.

    Args:
        wanted: the program that the CDK runs.
        found: the image builders on PATH.
        needed: whether an undeployed stack has an image; None if unknown.
    """
    if wanted in found:
        return _ok(f"{wanted} builds the images")
    if needed is False:
        return _ok(f"{wanted} is not on PATH, and nothing has to be built until a scanner or a settings API changes")
    others = sorted(set(found) - {wanted})
    remedy = (
        f"run: export CDK_DOCKER={others[0]}"
        if others
        else "install docker, or podman or finch and name it in CDK_DOCKER"
    )
    if needed is None:
        said = f"{wanted} is not on PATH; a cell's first deployment, and each change of its scanner or settings API, builds images"
        return Verdict(state=State.BY_HAND, said=said, remedy=remedy)
    return _wrong(f"{wanted} is not on PATH, and images have to be built", remedy)


def tool(found: str, wanted: str) -> Verdict:
    """Whether the installed version is the wanted one; with ">=" in front, whether it is at least that."""
    least = wanted.removeprefix(">=").strip()
    right = _numbers(found) >= _numbers(least) if wanted.startswith(">=") else found == wanted
    return _ok(found) if right else _wrong(f"is {found}, must be {wanted}", 'run "make install"')


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isascii() and part.isdigit() else 0 for part in version.lstrip("v").split(".")[:3])


def hosted_zone(zone: ParentZone, found: HostedZone | None) -> Verdict:
    """Whether the hosted zone of the config exists and has that domain."""
    if found is None:
        return _wrong("the account has no such hosted zone", "correct parent_zone.hosted_zone_id")
    if found.name != zone.zone_name:
        return _wrong(f"is {found.name}, not {zone.zone_name}", "correct parent_zone.hosted_zone_id or zone_name")
    if found.private:
        return _wrong("is a private zone, visible in its VPC only", "name the public zone of that domain")
    return _ok(f"is {found.name}")


def parent_domain(served: Servers, zone: HostedZone | None) -> Verdict:
    """Whether DNS delegates to the parent's zone.

    Args:
        served: name servers that a resolver gives for the domain.
        zone: the hosted zone, where it could be read.
    """
    remedy = "have the domain delegated to the zone's name servers at its registrar, or in the zone above"
    if zone is not None and zone.servers:
        remedy = f"{remedy}: {', '.join(zone.servers)}"
    if served is None:
        return _wrong("the domain does not exist in DNS", remedy)
    if not served:
        return _wrong("no delegation leads to a zone of that domain", remedy)
    if zone is not None and zone.servers and not set(served) & set(zone.servers):
        return _wrong(f"is served by {', '.join(sorted(served))}, not by the hosted zone", remedy)
    return _ok(f"is served by {', '.join(sorted(served))}")
