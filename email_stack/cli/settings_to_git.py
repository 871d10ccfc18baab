"""settings to-git: gives a tenant of the settings API back to the config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.naming import tenant_stack_name
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.owners import OwnerError, file_of, with_git_owner
from email_stack.config import Config, Tenant
from email_stack.config.document import DocumentError, read
from email_stack.config.sources import shown_path
from email_stack.operations import aws
from email_stack.output.files import write_whole

if TYPE_CHECKING:
    from mailroom.settings.claims import Claim
    from mailroom.settings.entries import AddressEntry
    from mailroom.settings.operating import Operating

__all__ = ["HandBack", "plan"]

_TABLE_OUTPUT = "MessagesTableName"


@dataclass(frozen=True, kw_only=True, slots=True)
class HandBack:
    """Steps for one tenant.

    Args:
        tenant: from the config.
        file: file to write; None if the config owns the tenant already.
        text: of that file.
        claim: to take from its organisation; None if it was taken before.
        left_out: switched-off addresses, which a config cannot have.
    """

    tenant: Tenant
    file: Path | None
    text: str
    claim: Claim | None
    left_out: tuple[str, ...] = ()

    def apply(self, operating: Operating, config: Config) -> None:
        """Write the file, take the claim, and delete the run-time settings; repeating is harmless.

        Raises:
            CommandError: a revision is pending by now.
            AwsError: AWS refused.
        """
        from mailroom.settings.refusals import RefusedError  # noqa: PLC0415 - boto3, see email_stack.operations.aws
        from mailroom.store.run_time import forget_run_time  # noqa: PLC0415 - as above
        from mailroom.store.table import Table  # noqa: PLC0415 - as above

        # The file comes first: until the claim is taken, the API deploys the file's values.
        if self.file is not None:
            write_whole(self.file, self.text.encode())
        if self.claim is not None:
            try:
                operating.hand_over(self.claim)
            except RefusedError as error:
                raise CommandError("refused", str(error), ExitCode.REFUSED) from error
        cell = config.cell(self.tenant.cell)
        table = (aws.stack_outputs(tenant_stack_name(self.tenant.id), cell) or {}).get(_TABLE_OUTPUT)
        if table is not None:
            with aws.aws_errors(f"table {table}: cannot be written"):
                client = aws.session(cell.region).client("dynamodb")
                forget_run_time(Table(client=client, name=table))


def plan(config: Config, path: Path, tenant_id: str, operating: Operating) -> HandBack:
    """Plan the steps.

    Raises:
        ConfigError: the config has no such tenant.
        CommandError: a wanted revision is not deployed, or the file cannot be changed.
        MailroomError: the table cannot be read.
    """
    tenant = config.tenant(tenant_id)
    claim = next((one for one in operating.claims() if one.tenant == tenant_id and one.owned), None)
    if tenant.settings == "git":
        return HandBack(tenant=tenant, file=None, text="", claim=claim)
    if claim is None:
        raise CommandError(
            "not found", f'tenant "{tenant_id}": no organisation has it; remove it from the config', ExitCode.INVALID
        )
    if why := claim.pending:
        raise CommandError("refused", f'tenant "{tenant_id}": {why}; try again when it is deployed', ExitCode.REFUSED)
    addresses = [
        one
        for one in operating.store.state(claim.organization).addresses()
        if one.domain == claim.domain and one.token == claim.token
    ]
    try:
        file, where = file_of(path, tenant_id)
        text = with_git_owner(read(file, shown_path(file)), where, _values(claim, addresses))
    except (DocumentError, OwnerError) as error:
        raise CommandError("cannot write", str(error), ExitCode.INVALID) from error
    off = tuple(one.address for one in addresses if not one.active)
    return HandBack(tenant=tenant, file=file, text=text, claim=claim, left_out=off)


def _values(claim: Claim, addresses: Sequence[AddressEntry]) -> dict[str, Any]:
    """The API's fields in the config's form: addresses in the order of their creation, with their names."""
    ordered = sorted(addresses, key=lambda one: (one.created_at, one.address))
    return {
        "subdomain": claim.domain,
        "dns": claim.dns,
        "ownership": claim.token,
        "live": claim.live,
        "addresses": [_address(one) for one in ordered if one.active],
    }


def _address(entry: AddressEntry) -> str | dict[str, str]:
    local_part = entry.address.rpartition("@")[0]
    return {"local_part": local_part, "display_name": entry.name} if entry.name else local_part
