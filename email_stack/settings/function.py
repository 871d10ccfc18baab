"""Entry of Lambda: the API, with what its environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

from email_stack.dnscheck.check import system_resolvers
from email_stack.settings.api import Api
from email_stack.settings.openapi import published
from email_stack.settings.ownership import OwnershipCheck
from email_stack.settings.records import RecordsCheck
from email_stack.settings.service import Service
from email_stack.settings.tokens import Issuer, Keys, Tokens
from mailroom.settings.store import SettingsStore
from mailroom.store.table import Table

__all__ = ["handler"]


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The answer to one request."""
    return _api()(event, context)


@cache
def _api() -> Api:
    """Of `SETTINGS_TABLE`, `SETTINGS_ISSUER`, `SETTINGS_AUDIENCE` and, where it is another, `SETTINGS_ORGANIZATION_CLAIM`."""
    environment = os.environ
    issuer = Issuer(
        url=environment["SETTINGS_ISSUER"],
        audience=environment["SETTINGS_AUDIENCE"],
        organization_claim=environment.get("SETTINGS_ORGANIZATION_CLAIM") or "org_id",
    )
    table = Table(client=boto3.client("dynamodb"), name=environment["SETTINGS_TABLE"])
    resolvers = system_resolvers()
    service = Service(
        store=SettingsStore(table=table),
        look=OwnershipCheck(resolvers=resolvers),
        look_at_records=RecordsCheck(resolvers=resolvers),
    )
    return Api(service=service, tokens=Tokens(issuer=issuer, keys=Keys(issuer)), openapi=published())
