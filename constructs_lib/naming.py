"""Every physical name, stack name and export name of the platform, built in one place. Pure: no CDK.

A resource has a physical name for one of two reasons. Another resource names it before it exists, as the bucket policy does with
receipt rules. Or its API has names alone, as with rule sets and SES tenants. CloudFormation names all other resources.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "BOUNDARY_EXPORT",
    "CHANGE_SETS",
    "ENVELOPES_EXPORT",
    "REMOVAL_METADATA",
    "TENANT_STACKS",
    "cell_export",
    "cell_stack_name",
    "check_identifier",
    "control_stack_name",
    "delegation_stack_name",
    "execution_role_name",
    "moving_rule_name",
    "receipt_rule_name",
    "receipt_rule_set_name",
    "registry_path",
    "tenant_stack_name",
]

REMOVAL_METADATA: Final = "email-subdomain:removal"
"""Key of a resource's metadata in a template. "destroy": its stack keeps it, and `email-stack destroy` deletes it."""

BOUNDARY_EXPORT: Final = "TenantBoundaryArn"
"""Export name of the permissions boundary for tenants' roles, in a cell with a settings API."""

ENVELOPES_EXPORT: Final = "EnvelopesTopicArn"
"""Export name of the topic with SES's notifications of mail and its recipients."""

_IDENTIFIER: Final = re.compile(r"[a-z](?:-?[a-z0-9])*")
_IDENTIFIER_CHARACTERS: Final = 32
"""Room remains for prefixes and counters within SES's 64 characters for names of rules, rule sets and tenants."""


TENANT_STACKS: Final = "Tenant-"
"""Prefix of the names of tenants' stacks, and of no other stack."""

CHANGE_SETS: Final = "r"
"""What the names of the settings API's change sets begin with; a revision follows."""


def check_identifier(what: str, value: str) -> str:
    """`value`, if it fits all names of this module.

    Raises:
        ValueError: not 2 to 32 of a-z, 0-9 and single inner hyphens, starting with a letter.
    """
    if not 2 <= len(value) <= _IDENTIFIER_CHARACTERS or not _IDENTIFIER.fullmatch(value):
        raise ValueError(
            f"{what} must be 2 to {_IDENTIFIER_CHARACTERS} of a-z, 0-9 and single inner hyphens, starting with a letter, "
            f'got "{value}"'
        )
    return value


def cell_stack_name(cell_id: str) -> str:
    """Name of the stack with the shared resources of one account and region."""
    return f"Cell-{cell_id}"


def control_stack_name(cell_id: str) -> str:
    """Name of the stack of a cell's settings API."""
    return f"Control-{cell_id}"


def execution_role_name(cell_id: str) -> str:
    """Name of the role with which CloudFormation makes tenants' stacks for the settings API.

    It has the pattern of the CDK's own roles. Tenants' tables let such roles delete them when a failed creation is rolled back
    (`MessageStore`).
    """
    return f"cdk-tenants-{cell_id}-cfn-exec-role-"


def tenant_stack_name(tenant_id: str) -> str:
    """Name of the stack of one tenant."""
    return f"{TENANT_STACKS}{tenant_id}"


def delegation_stack_name(tenant_id: str) -> str:
    """Name of the stack that writes one tenant's NS record into a parent zone of another account."""
    return f"Delegation-{tenant_id}"


def registry_path(cell_id: str) -> str:
    """Prefix of the parameters' names with which a cell's functions look up its tenants."""
    return f"/email-cell-{cell_id}/configuration-sets/"


def cell_export(cell_id: str, value: str) -> str:
    """Name under which a cell exports `value` to the tenants in it."""
    return f"{cell_stack_name(cell_id)}:{value}"


def receipt_rule_set_name(cell_id: str) -> str:
    """Name of the cell's receipt rule set: the API activates rule sets by name."""
    return f"email-cell-{cell_id}"


def receipt_rule_name(tenant_id: str, index: int) -> str:
    """Name of a tenant's receipt rule, counted from 0: the bucket policy names the rule before it exists."""
    return f"{tenant_id}-{index}"


def moving_rule_name(tenant_id: str) -> str:
    """Name of the rule that receives mail while addresses move from rule to rule. The names of all others end in a number."""
    return f"{tenant_id}-moving"
