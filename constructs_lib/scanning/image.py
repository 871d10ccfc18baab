"""The container image that scanner and mirror share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.bundle import image_context
from constructs_lib.keys import grant_logs_use
from constructs_lib.wildcards import explain_wildcard
from mailroom.definitions.manifest import MANIFEST_KEY, SETS_PREFIX
from mailroom.layout import LEDGER_PREFIX

__all__ = [
    "DEFAULT_MEMORY_MIB",
    "ImageFunctionProps",
    "grant_keep_ledger",
    "grant_read_definitions",
    "image_function",
    "same_function",
]

DEFAULT_MEMORY_MIB: Final = 3008
"""The limit of a new account. Source: Lambda developer guide, "Lambda quotas"."""

_ENTRIES: Final = ("mailroom.functions.mirror", "mailroom.functions.scanner")
"""Handlers in the one image, which runs each of them."""

_DOCKERFILE: Final = "image/Dockerfile"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFunctionProps:
    """Props of a function of the image.

    Args:
        entry: its handler, such as "mailroom.functions.scanner.on_event".
        description: its description.
        environment: its settings.
        timeout: of one invocation.
        memory_mib: Default: 3008, the most that a new account may give a function; the official definitions take 1400.
        storage_mib: of /tmp, for definitions and unpacked parts during a scan. Default: 4096.
        encryption_key: of the log group. Default: None, CloudWatch's own.
    """

    entry: str
    description: str
    environment: Mapping[str, str]
    timeout: cdk.Duration
    memory_mib: int = DEFAULT_MEMORY_MIB
    storage_mib: int = 4096
    encryption_key: kms.IKey | None = None


def image_function(scope: Construct, id: str, props: ImageFunctionProps) -> lambda_.Function:
    """A function of the image, with a role that may only log. Deployment builds the image; synthesis does not.

    The image is for x86-64, which continuous integration builds without emulation.
    """
    grant_logs_use(props.encryption_key)
    log_group = logs.LogGroup(
        scope,
        "Logs",
        encryption_key=props.encryption_key,
        retention=logs.RetentionDays.ONE_YEAR,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    return lambda_.DockerImageFunction(
        scope,
        id,
        code=lambda_.DockerImageCode.from_image_asset(
            str(image_context(*_ENTRIES)),
            file=_DOCKERFILE,
            cmd=[props.entry],
            platform=ecr_assets.Platform.LINUX_AMD64,
        ),
        architecture=lambda_.Architecture.X86_64,
        description=props.description,
        environment=dict(props.environment),
        ephemeral_storage_size=cdk.Size.mebibytes(props.storage_mib),
        log_group=log_group,
        memory_size=props.memory_mib,
        role=role,
        timeout=props.timeout,
    )


def same_function(
    scope: Construct, id: str, other: lambda_.Function, *, description: str, environment: Mapping[str, str]
) -> lambda_.CfnFunction:
    """A second function with the image, role and log group of another one, and an environment of its own."""
    like = other.node.default_child
    assert isinstance(like, lambda_.CfnFunction)  # noqa: S101 - every function's is
    made = lambda_.CfnFunction(
        scope,
        id,
        architectures=like.architectures,
        code=like.code,
        description=description,
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(environment)),
        ephemeral_storage=like.ephemeral_storage,
        image_config=like.image_config,
        logging_config=like.logging_config,
        memory_size=like.memory_size,
        package_type=like.package_type,
        role=like.role,
        timeout=like.timeout,
    )
    made.node.add_dependency(other)
    return made


def grant_read_definitions(function: lambda_.Function, bucket: s3.IBucket, *actions: str) -> None:
    """Let the function read the published definitions, and call `actions` on them."""
    sets = bucket.arn_for_objects(f"{SETS_PREFIX}*")
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=sorted({"s3:GetObject", *actions}), resources=[bucket.arn_for_objects(MANIFEST_KEY), sets]
        )
    )
    # Without the right to list, S3 answers "forbidden" for a missing object.
    function.add_to_role_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]))
    assert function.role is not None  # noqa: S101 - every function of the image has one
    explain_wildcard(function.role, sets, "keys of sets of definitions are made of their digests")


def grant_keep_ledger(function: lambda_.Function, bucket: s3.IBucket, scanner: str) -> None:
    """Let the function keep its ledger of deliveries beside the definitions, but reach no other scanner's."""
    own = bucket.arn_for_objects(f"{LEDGER_PREFIX}{scanner}/*")
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], resources=[own])
    )
    assert function.role is not None  # noqa: S101 - as above
    explain_wildcard(function.role, own, "keys of deliveries are made of their ids and digests")
