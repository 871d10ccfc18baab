"""All uses of ministack's private names. Ministack has no types.

Handlers of CloudFormation types call the emulator through boto3, over HTTP, like any client. If its API refuses a call, the stack
fails. Only changes inside an API call use `attribute` and `replace`.
"""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator import settings

Properties = dict[str, Any]
Provisioned = tuple[str, dict[str, Any]]  # what Ref returns, what GetAtt returns
Response = tuple[int, dict[str, str], Any]
Asynchronous = Callable[..., Any]

_ENGINE = "services.cloudformation.stacks"
_PROVISIONERS = "services.cloudformation.provisioners"
_lock = threading.Lock()


def attribute(module: str, name: str) -> Any:
    """A function or a store of `ministack.<module>`."""
    return getattr(importlib.import_module(f"ministack.{module}"), name)


def replace(module: str, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `wrap(original)` in the place of a function of `ministack.<module>`."""
    setattr(importlib.import_module(f"ministack.{module}"), name, wrap(attribute(module, name)))


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A CloudFormation resource type.

    Args:
        name: such as `AWS::SES::Tenant`.
        properties: the names a template may use; another is refused, as CloudFormation does.
        create: takes logical id, properties and stack name; returns the provisioned resource.
        update: takes physical id, old and new properties; returns the provisioned resource.
        delete: takes physical id and properties; a missing resource is no error.
        replacing: properties whose change makes a new resource and deletes the old one after the update.
        tags: the property for stack tags. Default: none, the type has no tags.
    """

    name: str
    properties: frozenset[str]
    create: Callable[[str, Properties, str], Provisioned]
    update: Callable[[str, Properties, Properties], Provisioned]
    delete: Callable[[str, Properties], None]
    replacing: tuple[str, ...] = ()
    tags: str | None = None


def register(resource: ResourceType) -> None:
    """Add a resource type to CloudFormation, or replace one."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        only(resource.properties, properties, resource.name)
        return resource.create(logical_id, properties, stack_name)

    def update(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Provisioned:
        only(resource.properties, new, resource.name)
        return resource.update(physical_id, old, new)

    attribute(_PROVISIONERS, "_RESOURCE_HANDLERS")[resource.name] = {
        "create": create,
        "update": update,
        "delete": resource.delete,
    }
    attribute(_PROVISIONERS, "_REPLACING_PROPERTIES")[resource.name] = resource.replacing
    if resource.tags:
        attribute(_PROVISIONERS, "_STACK_TAG_PROPERTY")[resource.name] = (resource.tags, "list")
    # Handlers wait for answers of the server they run in: on its event loop they would wait for ever.
    replace(
        _ENGINE,
        "_runs_on_worker_thread",
        lambda original: lambda resource_type: resource_type == resource.name or original(resource_type),
    )


def handlers(resource_type: str) -> dict[str, Callable[..., Any]]:
    """Ministack's own handlers of a type."""
    return dict(attribute(_PROVISIONERS, "_RESOURCE_HANDLERS")[resource_type])


def generated_name(stack_name: str, logical_id: str, max_length: int = 64) -> str:
    """CloudFormation's name for a resource without a name in the template."""
    name: str = attribute(_PROVISIONERS, "_physical_name")(stack_name, logical_id, max_len=max_length)
    return name


def only(known: frozenset[str], given: Properties, where: str) -> None:
    """Refuse a misspelt property."""
    if unknown := sorted(given.keys() - known):
        raise ValueError(f"Model validation failed ({where}: #: extraneous key [{unknown[0]}] is not permitted)")


def flag(value: object) -> bool:
    """A boolean of a template, which may be a string there."""
    return str(value).lower() == "true"


def region() -> str:
    """The region of the current request or stack."""
    return str(attribute("core.responses", "get_region")())


def account() -> str:
    """The account of the current request or stack."""
    return str(attribute("core.responses", "get_account_id")())


def service_may(service: str, policy: Any, action: str, resource_arn: str, source_arn: str, **keys: str) -> bool:
    """Whether a resource's policy lets a service principal act for a resource of this account, given by its ARN.

    `keys` are further condition keys.
    """
    context = attribute("core.iam_evaluator", "EvalContext")(
        principal_arn="",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=region(),
        secure_transport=True,
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": account(),
            "aws:principalisawsservice": "true",
            "aws:principalservicename": service,
            "aws:viaawsservice": "false",
            **{name.lower(): value for name, value in keys.items()},
        },
    )
    decide = attribute("core.iam_evaluator", "evaluate_resource_policy")
    return bool(decide(policy, context, service=service).decision == "Allow")


def client(service: str) -> Any:
    """A boto3 client of the emulator itself, as its root caller, in the current region. Not for its event loop."""
    with _lock:
        return _client(service, region())


@functools.cache
def botocore_session() -> botocore.session.Session:
    """The one session of this process: it reads the description of a service once."""
    return botocore.session.get_session()


@functools.cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(botocore_session=botocore_session())


@functools.cache
def _client(service: str, region_name: str) -> Any:
    tls = attribute("core.tls", "use_ssl_enabled")()
    port = int(attribute("app", "_resolve_port")())
    connect: Any = _session().client  # its overloads want the service's name as a literal
    return connect(
        service,
        region_name=region_name,
        aws_access_key_id=settings.ACCESS_KEY_ID,
        aws_secret_access_key=settings.SECRET_ACCESS_KEY,
        endpoint_url=settings.endpoint_url(port, enforce_iam=tls),
        verify=_certificate() if tls else True,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, max_pool_connections=32),
    )


def _certificate() -> str:
    path, _key = attribute("core.tls", "resolve_tls_material")()
    return str(Path(path))


def gone(error: ClientError, *codes: str) -> bool:
    """Whether an error means that the resource to delete does not exist."""
    return error.response["Error"]["Code"] in codes
