"""Results of a tenant's deployment at AWS: outputs of its stack, and values for its DNS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from constructs_lib.naming import tenant_stack_name
from constructs_lib.records import DkimToken
from email_stack.config import Cell, Tenant
from email_stack.dnscheck.model import SesState
from email_stack.operations.aws import aws_errors, code_of, session, stack_outputs

__all__ = ["Deployed", "NotDeployedError", "read_deployed", "tenant_output", "tenant_outputs"]

_TOKENS: Final = 3


class NotDeployedError(Exception):
    """The tenant, or a part that its records need, is not deployed yet; the text has the remedy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """Facts about one deployed tenant.

    Args:
        dkim: names and targets of the three DKIM records.
        name_servers: of its hosted zone, without trailing dots; empty when its DNS is self-managed.
        ses: SES's state of the identity.
    """

    dkim: tuple[DkimToken, ...]
    name_servers: tuple[str, ...]
    ses: SesState


def tenant_outputs(tenant: Tenant, cell: Cell) -> dict[str, str]:
    """The outputs of the tenant's stack by key.

    Raises:
        NotDeployedError: the stack does not exist, or was never deployed completely.
        AwsError: AWS refused.
    """
    stack = tenant_stack_name(tenant.id)
    outputs = stack_outputs(stack, cell)
    if outputs is None:
        raise _not_deployed(tenant, f"there is no stack {stack} in {cell.region}")
    if not outputs:
        raise _not_deployed(tenant, f"the first deployment of stack {stack} still runs, or was rolled back")
    return outputs


def tenant_output(outputs: Mapping[str, str], name: str, tenant: Tenant) -> str:
    """One of the outputs of the tenant's stack.

    Raises:
        NotDeployedError: the stack is older than this output.
    """
    if name not in outputs:
        raise _not_deployed(tenant, f"its stack has no output {name} yet")
    return outputs[name]


def read_deployed(tenant: Tenant, cell: Cell) -> Deployed:
    """Read the tenant's stack and its SES identity, with the default credentials.

    The targets of the DKIM records differ by region, so they are made from SES's values: each token below its signing zone.

    Raises:
        NotDeployedError: no stack, no identity, or an identity without its three tokens.
        AwsError: AWS refused, or could not be asked.

    Source: SES API v2 reference, "GetEmailIdentity" and "DkimAttributes".
    """
    outputs = tenant_outputs(tenant, cell)
    name_servers = tuple(name.strip().rstrip(".").lower() for name in outputs.get("NameServers", "").split(",") if name)
    if tenant.dns == "delegated" and not name_servers:
        raise _not_deployed(tenant, "its stack holds no hosted zone yet, though the config says dns: delegated")
    from botocore.config import Config as ClientConfig  # noqa: PLC0415 - see email_stack.operations.aws
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see email_stack.operations.aws

    with aws_errors(f"identity {tenant.subdomain} in {cell.region}: cannot be read"):
        # SES takes one control-plane request a second. SES developer guide, "Service quotas".
        patient = ClientConfig(retries={"mode": "adaptive", "max_attempts": 8})
        ses = session().client("sesv2", region_name=cell.region, config=patient)
        try:
            identity = ses.get_email_identity(EmailIdentity=tenant.subdomain)
        except ClientError as error:
            if code_of(error) == "NotFoundException":
                raise _not_deployed(tenant, f"SES has no identity {tenant.subdomain} in {cell.region}") from error
            raise
    signing = identity.get("DkimAttributes", {})
    tokens, zone = signing.get("Tokens", []), signing.get("SigningHostedZone", "")
    if len(tokens) != _TOKENS or not zone:
        raise _not_deployed(tenant, f"SES has {len(tokens)} of its 3 DKIM tokens, and its signing zone is {zone!r}")
    return Deployed(
        dkim=tuple(
            DkimToken(name=f"{token}._domainkey.{tenant.subdomain}", target=f"{token}.{zone.rstrip('.')}")
            for token in tokens
        ),
        name_servers=name_servers if tenant.dns == "delegated" else (),
        ses=SesState(
            identity=identity.get("VerificationStatus", "NOT_STARTED"),
            dkim=signing.get("Status", "NOT_STARTED"),
            mail_from=identity.get("MailFromAttributes", {}).get("MailFromDomainStatus", "NOT_STARTED"),
        ),
    )


def _not_deployed(tenant: Tenant, why: str) -> NotDeployedError:
    return NotDeployedError(f'tenant "{tenant.id}": {why}; run `email-stack deploy {tenant.id} --yes` first')
