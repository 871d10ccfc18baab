"""Reads a cell's account from AWS: the caller's identity, and outputs and templates of stacks.

boto3 is imported by the first call: most commands need none of it, and it takes longer than they do.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from email_stack.config import Cell
from email_stack.operations.credentials import explained

if TYPE_CHECKING:
    from boto3 import Session
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

__all__ = [
    "AwsError",
    "CredentialsError",
    "DeployedStack",
    "RegionError",
    "WrongAccountError",
    "aws_errors",
    "check_account",
    "check_credentials",
    "code_of",
    "deployed_stack",
    "read_stack",
    "session",
    "stack_exists",
    "stack_outputs",
]


_ENABLED: Final = "us-east-1"
"""A region that is enabled in every account."""

_NOT_ENABLED: Final = {"InvalidClientTokenId", "RegionDisabledException"}
"""STS's codes in a disabled region, the same as for unknown keys. IAM user guide, "Manage AWS STS in an AWS Region"."""

_GONE: Final = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


class AwsError(Exception):
    """AWS could not be asked, or refused; the text has the request and the reason."""


class CredentialsError(AwsError):
    """There are no credentials, or AWS does not accept them; the text is one line, the same for all requests."""


class RegionError(CredentialsError):
    """AWS accepts the credentials, but not in a region that the account has not enabled.

    Args:
        region: that region.
        account: of the credentials.
        arn: of the credentials.
    """

    def __init__(self, region: str, account: str, arn: str) -> None:
        self.region, self.account, self.arn = region, account, arn
        super().__init__(
            f"region {region}: STS does not take credentials of account {account} there, which it takes in {_ENABLED}; "
            f"{self.remedy}"
        )

    @property
    def remedy(self) -> str:
        """The remedy."""
        return (
            f"enable the region, in the AWS console under Account, or run: aws account enable-region --region-name {self.region}; "
            "if it is enabled, sign in again: it accepts no sessions of STS's global endpoint"
        )


class WrongAccountError(AwsError):
    """The credentials are for another account than the cell's."""


def session(region: str | None = None, **credentials: str) -> Session:
    """A new session with the default credentials, or these, in a region if one is given.

    All share what botocore has read of its descriptions of AWS, which takes ten times as long as a session.
    """
    import boto3  # noqa: PLC0415 - see above
    import botocore.session  # noqa: PLC0415 - see above

    made, shared = botocore.session.get_session(), _descriptions()
    made.register_component("data_loader", shared)
    own = boto3.Session(region_name=region, botocore_session=made, **credentials)
    shared.search_paths[:] = dict.fromkeys(shared.search_paths)  # each session adds boto3's folder
    return own


@functools.cache
def _descriptions() -> Any:
    import botocore.session  # noqa: PLC0415 - see above

    return botocore.session.get_session().get_component("data_loader")


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Raise boto3's errors as `AwsError`, with `doing` in front; missing credentials as `CredentialsError`."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see above

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if said := explained(error):
            raise CredentialsError(said) from error
        raise AwsError(f"{doing}: {error}") from error


def code_of(error: Exception) -> str:
    """AWS's error code, as `mailroom.faults` reads it."""
    from mailroom import faults  # noqa: PLC0415 - see above

    return faults.code_of(error)


def check_credentials(region: str) -> tuple[str, str]:
    """Account and ARN of the credentials, from STS in that region.

    Raises:
        RegionError: AWS accepts them elsewhere, but not there.
        CredentialsError: there are none, or AWS does not accept them.
        AwsError: AWS could not be asked.
    """
    try:
        return _caller(region)
    except CredentialsError as error:
        refused = error.__cause__
        if region == _ENABLED or not isinstance(refused, Exception) or code_of(refused) not in _NOT_ENABLED:
            raise
        try:
            elsewhere = _caller(_ENABLED)
        except AwsError:
            raise error from refused
        raise RegionError(region, *elsewhere) from refused


def _caller(region: str) -> tuple[str, str]:
    with aws_errors(f"region {region}: cannot tell whose the credentials are"):
        caller = session().client("sts", region_name=region).get_caller_identity()
    return caller["Account"], caller.get("Arn", f"arn:aws:iam::{caller['Account']}:root")


def check_account(cell: Cell) -> str:
    """Check that the credentials are for the cell's account, if the config names one; returns their ARN.

    Raises:
        WrongAccountError: they are for another account.
        AwsError: there are none, or AWS does not accept them.
    """
    account, arn = check_credentials(cell.region)
    if cell.account is not None and account != cell.account:
        raise WrongAccountError(
            f'cell "{cell.id}" is in account {cell.account}, the credentials are for {account}; use credentials of the cell'
        )
    return arn


def stack_exists(name: str, cell: Cell) -> bool:
    """Whether the stack exists, in any state. Raises `AwsError`."""
    return _described(name, cell) is not None


def stack_outputs(name: str, cell: Cell) -> dict[str, str] | None:
    """The outputs of the stack by key, none before its first deployment is done; None if the stack does not exist.

    Raises:
        AwsError: AWS refused.
    """
    stack = _described(name, cell)
    if stack is None:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedStack:
    """A deployed stack.

    Args:
        template: its template, without resources that do not exist, after a failed creation or a deletion.
        physical_ids: of existing resources, by logical id.
    """

    template: Mapping[str, Any]
    physical_ids: Mapping[str, str]


def deployed_stack(name: str, cell: Cell) -> DeployedStack | None:
    """The stack's template and existing resources; None if the stack does not exist.

    Raises:
        AwsError: AWS refused, or the CDK has not written the template.

    Source: CloudFormation API reference, "GetTemplate" and "ListStackResources".
    """
    if not stack_exists(name, cell):
        return None
    return read_stack(session().client("cloudformation", region_name=cell.region), name)


def read_stack(cloudformation: CloudFormationClient, name: str) -> DeployedStack:
    """The template and existing resources of a stack, which must exist.

    Raises:
        AwsError: AWS refused, or the CDK has not written the template.
    """
    where = f"stack {name} in {cloudformation.meta.region_name}"
    with aws_errors(f"{where}: its template cannot be read"):
        body: Any = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        there = {
            found["LogicalResourceId"]: found["PhysicalResourceId"]
            for page in pages
            for found in page["StackResourceSummaries"]
            if found.get("PhysicalResourceId") and found["ResourceStatus"] not in _GONE
        }
    try:
        template = dict(json.loads(body) if isinstance(body, str) else body)
        resources = {logical_id: template["Resources"][logical_id] for logical_id in there}
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError(f"{where}: its template is none of the CDK's: {error}") from error
    return DeployedStack(template={**template, "Resources": resources}, physical_ids=there)


def _described(name: str, cell: Cell) -> StackTypeDef | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see above

    with aws_errors(f"stack {name} in {cell.region}: cannot be read"):
        cloudformation = session().client("cloudformation", region_name=cell.region)
        try:
            stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            # CloudFormation has no error code for this: ValidationError is for malformed names, too.
            if "does not exist" in str(error):
                return None
            raise
    return stacks[0]
