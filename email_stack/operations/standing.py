"""Reads many deployed stacks at once, in the cell's region and in others."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from email_stack.config import Cell
from email_stack.config.regions import RECEIVING_REGIONS
from email_stack.operations.aws import AwsError, DeployedStack, aws_errors, read_stack
from email_stack.transitions import Template

if TYPE_CHECKING:
    from boto3 import Session
    from mypy_boto3_cloudformation import CloudFormationClient

__all__ = ["deployed_stacks", "importers", "names_there", "stacks_elsewhere"]

_AT_ONCE: Final = 8

_THERE: Final = (
    *("CREATE_FAILED", "CREATE_COMPLETE", "CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"),
    *(
        "ROLLBACK_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
    ),
    *("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"),
    *("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_IN_PROGRESS", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_FAILED"),
    "IMPORT_ROLLBACK_COMPLETE",
)
"""States of existing stacks: all but REVIEW_IN_PROGRESS and DELETE_COMPLETE."""


def names_there(cell: Cell, own: Session) -> set[str]:
    """Names of all stacks in the cell's region, as the session sees it. Raises `AwsError`."""
    with aws_errors(f"stacks in {cell.region}: cannot be listed"):
        return _names(_client(own, cell.region))


def deployed_stacks(names: Iterable[str], cell: Cell, own: Session) -> dict[str, DeployedStack]:
    """These stacks by name; all must exist in the cell's region. Raises `AwsError`."""
    there, client = sorted(names), _client(own, cell.region)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(there, pool.map(lambda name: read_stack(client, name), there), strict=True))


def stacks_elsewhere(names: Collection[str], region: str, own: Session) -> dict[str, list[tuple[str, Template]]]:
    """Stacks of these names in the account's other regions where SES receives: regions and templates by name.

    Regions that the account has not enabled, or may not be asked about, are left out.
    """
    # One session reads the service's description once. It makes the clients before the threads, because it is not thread-safe.
    clients = [_client(own, one) for one in RECEIVING_REGIONS if one != region]
    found: dict[str, list[tuple[str, Template]]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for client, stacks in zip(clients, pool.map(lambda one: _those_in(one, names), clients), strict=True):
            other = client.meta.region_name
            for name, template in stacks.items():
                found.setdefault(name, []).append((other, template))
    return found


def importers(export: str, cell: Cell, own: Session) -> list[str]:
    """Names of the stacks that import it, sorted; none where nothing of that name is exported. Raises `AwsError`."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see email_stack.operations.aws

    with aws_errors(f"export {export} in {cell.region}: cannot tell who imports it"):
        try:
            pages = _client(own, cell.region).get_paginator("list_imports").paginate(ExportName=export)
            return sorted({one for page in pages for one in page["Imports"]})
        except ClientError as error:
            # CloudFormation has no error code for this, nor for an export that a failed deployment did not make.
            if "is not imported by any stack" not in str(error) and "does not exist" not in str(error):
                raise
    return []


def _those_in(client: CloudFormationClient, names: Collection[str]) -> Mapping[str, Template]:
    try:
        with aws_errors(f"stacks in {client.meta.region_name}: cannot be listed"):
            return {name: _template(client, name) for name in sorted(_names(client) & set(names))}
    except AwsError:
        return {}


def _names(client: CloudFormationClient) -> set[str]:
    pages = client.get_paginator("list_stacks").paginate(StackStatusFilter=list(_THERE))
    return {stack["StackName"] for page in pages for stack in page["StackSummaries"]}


def _template(client: CloudFormationClient, name: str) -> Template:
    body: Any = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    try:
        return dict(json.loads(body) if isinstance(body, str) else body)
    except (ValueError, TypeError):
        return {}


def _client(own: Session, region: str) -> CloudFormationClient:
    from botocore.config import Config  # noqa: PLC0415 - see email_stack.operations.aws

    # A region that does not answer must not hold up a deployment for minutes.
    patient = Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard", "max_attempts": 4})
    return own.client("cloudformation", region_name=region, config=patient)
