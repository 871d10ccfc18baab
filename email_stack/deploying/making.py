"""Results of a deployment (name servers, records), and zones that deleted stacks leave: from SES, Route 53 and DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from constructs_lib.records import DkimToken
from email_stack.config.loading import load_merged
from email_stack.config.snapshots import Snapshot
from email_stack.config.tenant_records import public_records
from email_stack.deploying.runs import Made
from email_stack.deploying.synthesis import Platform
from email_stack.dnscheck.guard import GuardedNetwork, IPNetwork
from email_stack.dnscheck.model import Endpoint
from email_stack.dnscheck.trail import Trail, trail_in
from email_stack.settings.records import record_text
from mailroom.errors import RetryableError
from mailroom.faults import code_of, fault
from mailroom.settings.claims import Claim

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_sesv2 import SESV2Client

__all__ = ["HostedZones", "Making"]

_SECONDS: Final = 30.0
_MOST_QUERIES: Final = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """Reads the results of a tenant's deployment.

    Args:
        ses: a client.
        platform: the part of the config that git owns.
    """

    ses: SESV2Client
    platform: Platform

    def tags(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Tags of the tenant's stack, as `cdk deploy` sets them."""
        tenant = load_merged(self.platform.config_for(snapshot), snapshot).tenant(snapshot.tenant)
        return {**tenant.tags, "tenant": tenant.id, "cell": tenant.cell}

    def __call__(self, snapshot: Snapshot, outputs: Mapping[str, str]) -> Made:
        """Name servers and DNS records of the deployed tenant; SES gives the DKIM tokens. Raises MailroomError."""
        config = load_merged(self.platform.config_for(snapshot), snapshot)
        tenant = config.tenant(snapshot.tenant)
        try:
            signing = self.ses.get_email_identity(EmailIdentity=tenant.subdomain).get("DkimAttributes", {})
        except (BotoCoreError, ClientError) as error:
            raise fault(error, action="ses:GetEmailIdentity", resource=tenant.subdomain) from error
        tokens, zone = signing.get("Tokens", []), signing.get("SigningHostedZone", "").rstrip(".")
        if len(tokens) != 3 or not zone:
            raise RetryableError(f"identity of tenant {tenant.id}: has no DKIM tokens yet; try again")
        dkim = [DkimToken(name=f"{one}._domainkey.{tenant.subdomain}", target=f"{one}.{zone}") for one in tokens]
        servers = tuple(
            one.strip().rstrip(".").lower() for one in outputs.get("NameServers", "").split(",") if one.strip()
        )
        records = public_records(tenant, config.cell(tenant.cell), dkim=dkim, name_servers=servers)
        return Made(
            name_servers=servers,
            zone=outputs.get("HostedZoneId", ""),
            records=tuple(record_text(one) for one in records if one.alias_zone_id is None),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedZones:
    """Zones that deleted stacks leave.

    Args:
        route53: a client.
        resolvers: recursive servers of ours, for the check of delegations.
        port: of authoritative servers. Default: 53.
        allowed: networks whose servers may be asked though they are not public. Default: none.
    """

    route53: Route53Client
    resolvers: Sequence[Endpoint]
    port: int = 53
    allowed: Sequence[IPNetwork] = ()

    def led_to(self, claim: Claim) -> str:
        """Reason why DNS may still lead to the domain's zone; "" when it does not. A check without an answer is a reason."""
        trail = asyncio.run(self._trail(claim))
        if trail.above or trail.leading:
            return "is still delegated to its zone, or remembered to be; remove its NS records"
        return "may still be delegated to its zone, which could not be checked" if trail.untold else ""

    async def _trail(self, claim: Claim) -> Trail:
        # The zones above are the customer's, and may name any servers.
        network = GuardedNetwork(resolvers=self.resolvers, queries=_MOST_QUERIES, allowed=self.allowed)
        try:
            async with network, asyncio.timeout(_SECONDS):
                return await trail_in(network, claim.domain, frozenset(claim.name_servers), self.resolvers, self.port)
        except TimeoutError:
            return Trail(untold=("time is up",))

    def delete(self, zone: str) -> None:
        """Delete a zone; a missing one is no failure. Raises MailroomError."""
        try:
            self.route53.delete_hosted_zone(Id=zone)
        except (BotoCoreError, ClientError) as error:
            if code_of(error) != "NoSuchHostedZone":
                raise fault(error, action="route53:DeleteHostedZone", resource=zone) from error
