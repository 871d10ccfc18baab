"""An address that a tenant's mail is not sent to: where it is noted, and how it is let go again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from email_stack.config import Cell, Tenant
from email_stack.operations.aws import AwsError, aws_errors, session
from email_stack.operations.deployed import tenant_output, tenant_outputs

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

    from mailroom.store import Table

__all__ = ["Listed", "SuppressionList"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """An entry of SES's list.

    Args:
        address: as SES has it; its case matters there.
        reason: "BOUNCE" or "COMPLAINT".
    """

    address: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionList:
    """A tenant's own list at SES, and what its table notes of addresses. Nothing of another tenant's is read or written.

    Args:
        tenant: name of the SES tenant.
        ses: client of SES API v2 in the cell's region.
        table: the tenant's.
    """

    tenant: str
    ses: SESV2Client
    table: Table

    @classmethod
    def of(cls, tenant: Tenant, cell: Cell) -> Self:
        """Of a deployed tenant, with the credentials at hand.

        Raises:
            NotDeployedError: there is no stack, or one from before there were messages.
            AwsError: AWS refused.
        """
        from mailroom.store import Table  # noqa: PLC0415 - see email_stack.operations.aws

        name = tenant_output(tenant_outputs(tenant, cell), "MessagesTableName", tenant)
        own, region = session(), cell.region
        return cls(
            tenant=tenant.id,
            ses=own.client("sesv2", region_name=region),
            table=Table(client=own.client("dynamodb", region_name=region), name=name),
        )

    def listed(self, address: str) -> tuple[Listed, ...]:
        """What SES's list has of an address, in whatever case it was written to.

        Where it is not there as it is written, the whole list is read: SES tells one case from another.

        Raises:
            AwsError: AWS refused, or the SES tenant uses the account's list still.
        """
        with aws_errors(f'SES tenant "{self.tenant}": its suppression list cannot be read'):
            own = self.ses.get_tenant(TenantName=self.tenant)["Tenant"].get("SuppressionAttributes", {})
            if own.get("SuppressionScope") != "TENANT":
                raise AwsError(
                    f'SES tenant "{self.tenant}": has no suppression list of its own yet; '
                    f"run `email-stack deploy {self.tenant} --yes`"
                )
            try:
                found = self.ses.get_suppressed_destination(EmailAddress=address, TenantName=self.tenant)
            except self.ses.exceptions.NotFoundException:
                return tuple(one for one in self._all() if one.address.casefold() == address.casefold())
        return (Listed(address=address, reason=found["SuppressedDestination"]["Reason"]),)

    def remove(self, address: str, listed: tuple[Listed, ...]) -> None:
        """Take these entries off SES's list, and drop what the table notes of the address.

        Raises:
            AwsError: AWS refused; what was done before stays done, and the same again does the rest.
            RetryableError: the table could not be written.
        """
        from mailroom.store import forget  # noqa: PLC0415 - see email_stack.operations.aws

        for one in listed:
            with aws_errors(f'SES tenant "{self.tenant}": an address cannot be taken off its suppression list'):
                try:
                    self.ses.delete_suppressed_destination(EmailAddress=one.address, TenantName=self.tenant)
                except self.ses.exceptions.NotFoundException:
                    continue  # somebody else was faster
        forget(self.table, address)

    def _all(self) -> Iterator[Listed]:
        following = ""
        while True:
            more = {"NextToken": following} if following else {}
            page = self.ses.list_suppressed_destinations(TenantName=self.tenant, PageSize=1000, **more)  # type: ignore[arg-type]
            for one in page.get("SuppressedDestinationSummaries", []):
                yield Listed(address=one["EmailAddress"], reason=one["Reason"])
            following = page.get("NextToken", "")
            if not following:
                return
