"""Checks whether DNS still leads to a zone: as long as it does, the zone keeps its records, and is not deleted."""

from __future__ import annotations

from collections.abc import Sequence

from constructs_lib.records.email import DELEGATION_TTL_SECONDS
from email_stack.cli.output import CommandError, ExitCode
from email_stack.dnscheck.model import Endpoint
from email_stack.output.printable import escaped

__all__ = ["refuse_dangling_delegation", "why_led_there"]


def why_led_there(domain: str, name_servers: Sequence[str], resolver: Endpoint | None, port: int) -> str:
    """Reason why `domain` still leads to its zone on `name_servers`, as a clause about the domain; "" if it does not.

    An unknown state is reported, and counts as leading there.
    """
    return _looked_for(domain, name_servers, resolver, port)[0]


def refuse_dangling_delegation(
    tenant: str, domain: str, name_servers: Sequence[str], resolver: Endpoint | None, port: int
) -> int:
    """Check that no server leads to a zone before it is deleted.

    Returns:
        Seconds for which other caches may keep the delegation.

    Raises:
        CommandError: a server of either side of a cut still leads to the zone, a resolver still caches it, or this is unknown.
    """
    why, seconds = _looked_for(domain, name_servers, resolver, port)
    if why:
        raise CommandError(
            "refused",
            f'tenant "{tenant}": {domain} {why}; the next owner of these name servers could answer for it, so have '
            f"its NS records removed and wait for their TTL of {DELEGATION_TTL_SECONDS} s, then destroy (or say --force)",
            ExitCode.REFUSED,
        )
    return max(seconds, DELEGATION_TTL_SECONDS)


def _looked_for(domain: str, name_servers: Sequence[str], resolver: Endpoint | None, port: int) -> tuple[str, int]:
    from email_stack.dnscheck.trail import find_trail  # noqa: PLC0415 - dnspython takes longer than most commands

    try:
        trail = find_trail(domain, name_servers, resolver, port)
    except ValueError as error:
        raise CommandError("no resolver", str(error), ExitCode.INVALID) from error
    untold = ", ".join(map(escaped, trail.untold))
    if trail.above:
        zones = ", ".join(map(escaped, trail.above))
        return f"is below {zones}, whose NS records still name its servers, at {_list(trail.leading)}", trail.seconds
    if trail.leading:
        return f"is still delegated to its zone, or remembered to be, at {_list(trail.leading)}", trail.seconds
    if untold:
        return f"may still be delegated to its zone, which could not be checked (unreachable): {untold}", trail.seconds
    return "", trail.seconds


def _list(servers: Sequence[str]) -> str:
    return ", ".join(map(escaped, servers))
