"""Suppressed addresses of a tenant: their entries, and their removal."""

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
        address: in SES's form; its case matters there.
        reason: "BOUNCE" or "COMPLAINT".
    """

    address: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionList:
    """A tenant's own list at SES, and the suppressions in its table. No other tenant's entries are read or written.

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
        """The lists of a deployed tenant, with the default credentials.

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
        """Entries of SES's list for an address, in any case.

        If the exact form has no entry, the whole list is read: SES distinguishes case.

        Raises:
            AwsError: AWS refused, or the SES tenant still uses the account's list.
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
        """Remove these entries from SES's list, and the address's entry from the table.

        Raises:
            AwsError: AWS refused; finished steps stay, and a repetition does the rest.
            RetryableError: the table could not be written.
        """
        from mailroom.store import forget  # noqa: PLC0415 - see email_stack.operations.aws

        for one in listed:
            with aws_errors(f'SES tenant "{self.tenant}": an address cannot be taken off its suppression list'):
                try:
                    self.ses.delete_suppressed_destination(EmailAddress=one.address, TenantName=self.tenant)
                except self.ses.exceptions.NotFoundException:
                    continue  # a concurrent removal was faster
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
