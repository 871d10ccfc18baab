"""What each session of boto3 and each call of the command line reads anew, read once for a process of tests and its forks.

A session of boto3 lists AWS's services and parses their models; the command line reads the options of all of its commands.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import boto3
import botocore.session
import typer.main
import typer.testing
from botocore.loaders import Loader, create_loader

__all__ = ["read_models", "read_once"]

_SERVICES: Final = (
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "route53",
    "s3",
    "service-quotas",
    "ses",
    "sesv2",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
"""What commands ask of AWS."""


def read_once() -> None:
    """Have all sessions and all calls in this process share what the first has read."""
    shared: list[tuple[Any, str]] = [
        (typer.main, "get_command"),
        (typer.testing, "_get_command"),
    ]
    for owner, name in shared:
        function = getattr(owner, name)
        if not hasattr(function, "cache_clear"):
            setattr(owner, name, functools.cache(function))
    botocore.session.create_loader = _loader


@functools.cache
def _made(search_paths: str | None) -> Loader:
    return create_loader(search_paths)


def _loader(search_path_string: str | None = None) -> Loader:
    """In the place of botocore's: the one that was made before."""
    made = _made(search_path_string)
    made.search_paths[:] = dict.fromkeys(made.search_paths)  # each session adds boto3's folder
    return made


def read_models() -> None:
    """Read the models of all services, before a process forks."""
    session = boto3.Session("none", "none", region_name="eu-central-1")
    for service in _SERVICES:
        session.client(service)
