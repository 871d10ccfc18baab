"""Lambda entry of the API, configured by its environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
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
from mailroom.events import EventPublisher
from mailroom.sessions import Sessions
from mailroom.settings.keys import ORGANIZATION_TAG
from mailroom.settings.store import Actor, SettingsStore
from mailroom.store.table import Table

__all__ = ["handler"]


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The answer to one request."""
    return _api()(event, context)


class _PerOrganization:
    """A DynamoDB client in the session of the asking organisation, which AWS restricts to that organisation's partition.

    A Lambda function answers one request at a time.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._organization = ""

    def enter(self, actor: Actor) -> None:
        """Use the session of the actor's organisation from now on."""
        self._organization = actor.organization

    def __getattr__(self, name: str) -> Any:
        """An attribute of the session's client."""
        if not self._organization:
            raise AttributeError(f"{name}: no organisation has entered")
        return getattr(self._sessions.dynamodb(self._organization), name)


@cache
def _api() -> Api:
    """The API of `SETTINGS_TABLE`, `SETTINGS_ISSUER`, `SETTINGS_AUDIENCE` and, if set, `SETTINGS_ORGANIZATION_CLAIM`.

    With `SETTINGS_ROLE_ARN`, each request reaches the table in a session of that role, tagged with its organisation.
    """
    environment = os.environ
    issuer = Issuer(
        url=environment["SETTINGS_ISSUER"],
        audience=environment["SETTINGS_AUDIENCE"],
        organization_claim=environment.get("SETTINGS_ORGANIZATION_CLAIM") or "org_id",
    )
    client: Any = boto3.client("dynamodb")
    entered: Callable[[Actor], None] = _ignore
    if role := environment.get("SETTINGS_ROLE_ARN"):
        sessions = Sessions(
            sts=boto3.client("sts"), role_arn=role, tag=ORGANIZATION_TAG, clock=lambda: datetime.now(UTC)
        )
        client = _PerOrganization(sessions)
        entered = client.enter
    resolvers = system_resolvers()
    service = Service(
        store=SettingsStore(table=Table(client=client, name=environment["SETTINGS_TABLE"])),
        look=OwnershipCheck(resolvers=resolvers),
        look_at_records=RecordsCheck(resolvers=resolvers),
        tell=EventPublisher(events=boto3.client("events")).publish,
    )
    return Api(service=service, tokens=Tokens(issuer=issuer, keys=Keys(issuer)), openapi=published(), entered=entered)


def _ignore(_: Actor) -> None:
    pass
