"""The operations: paths, methods, bodies and statuses of the clients' definitions."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Query

from email_stack.settings import views
from email_stack.settings.problems import CONTENT_TYPE, ApiError
from email_stack.settings.service import Look, Service, check_id
from email_stack.settings.shapes import (
    CreateEmailAddress,
    Domain,
    EmailAddress,
    ErrorResponse,
    KnownDomain,
    NamedAddress,
    NamedSetting,
    Setting,
    SettingBody,
    SettingType,
    UpdateEmailAddress,
)
from mailroom.settings.designated import AddressChange
from mailroom.settings.store import Actor

__all__ = ["add_routes"]

_JSON: Final = "application/json"
_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,15})"', re.ASCII)
_ERRORS: Final[dict[int, str]] = {
    400: "The request is not valid. The answer names every fault.",
    401: "There is no valid token.",
    403: "The token does not allow it.",
    404: "The organisation has no entry with that id or name.",
    409: "The request conflicts with an existing entry, or exceeds a limit.",
    412: "The entry has changed since it was read.",
    413: "The body is too long.",
    415: "The body is not JSON.",
    429: "Too many requests. Retry-After has the time to wait.",
    500: "The API failed.",
    503: "A service behind the API did not answer.",
}
IfMatch = Annotated[
    str | None, Header(alias="if-match", description="ETag of the last read; 412 if the entry has changed since.")
]
Key = Annotated[
    str | None,
    Header(alias="idempotency-key", description="Requests with the same key add one signature.", max_length=200),
]


def _answers(status: int = 200, text: str = "Done.") -> dict[int, Any]:
    """The statuses of an operation. Invalid requests are 400."""
    errors = {
        code: {"description": said, "content": {CONTENT_TYPE: {"model": ErrorResponse}}}
        for code, said in _ERRORS.items()
    }
    return {status: {"description": text}, **errors}


def add_routes(app: APIGatewayHttpResolver, service: Service) -> None:
    """Add every operation to `app`. Paths without an id come first, so that the router does not take `domain:verify` for an id."""
    _add_domains(app, service)
    _add_settings(app, service)
    _add_addresses(app, service)


def _add_domains(app: APIGatewayHttpResolver, service: Service) -> None:
    path, tags = "/v1/email-settings/domain", ["Domains"]

    @app.get(path, tags=tags, operation_id="getDomains", summary="Names of all domains", responses=_answers())
    def get_domains() -> list[str]:
        return [one.domain for one in service.domains.all(_actor(app).organization)]

    @app.post(path, tags=tags, operation_id="addDomain", summary="Claim a domain", responses=_answers())
    def add_domain(body: Annotated[Domain, Body()]) -> Setting:
        return service.add_domain(_actor(app), body.domain, body.dns)

    @app.delete(
        path,
        tags=tags,
        operation_id="deleteDomain",
        summary="Give a domain up",
        responses=_answers(204, "The domain is given up."),
    )
    def delete_domain(body: Annotated[KnownDomain, Body()]) -> Response[None]:
        service.domains.delete(_actor(app), body.domain)
        return Response(HTTPStatus.NO_CONTENT)

    def verifying(what: Look) -> Callable[..., Setting]:
        def verify(body: Annotated[KnownDomain, Body()]) -> Setting:
            return service.verify(_actor(app), body.domain, what)

        return verify

    for rule, operation, summary, what in (
        (f"{path}/name-servers:verify", "verifyNameServers", "Check the delegation", Look.NAME_SERVERS),
        (f"{path}/dns-records:verify", "verifyDnsRecords", "Check the records", Look.ALL),
        (f"{path}:verify", "verifyDomain", "Check delegation, records and proof", Look.ALL),
    ):
        app.post(rule, tags=tags, operation_id=operation, summary=summary, responses=_answers())(verifying(what))


def _add_settings(app: APIGatewayHttpResolver, service: Service) -> None:
    path, tags = "/v1/email-settings", ["Settings"]

    @app.get(
        path, tags=tags, operation_id="getSettings", summary="All settings of a type, or one", responses=_answers()
    )
    def get_settings(
        type: Annotated[SettingType, Query()], id: Annotated[str | None, Query(max_length=128)] = None
    ) -> list[Setting] | Setting:
        if id is not None:
            return service.setting(_actor(app), type, id)
        return list(service.settings(_actor(app), type))

    @app.post(path, tags=tags, operation_id="addSetting", summary="Add a setting", responses=_answers())
    def add_setting(body: Annotated[SettingBody, Body()], key: Key = None) -> Setting:
        return service.add_setting(_actor(app), body, key or "")

    @app.delete(path, tags=tags, operation_id="deleteSetting", summary="Delete a setting", responses=_answers())
    def delete_setting(body: Annotated[NamedSetting, Body()], if_match: IfMatch = None) -> Setting:
        return service.delete_setting(_actor(app), body.type, body.id, _revision(if_match))

    @app.post(f"{path}/<id>", tags=tags, operation_id="updateSetting", summary="Change a setting", responses=_answers())
    def update_setting(id: str, body: Annotated[SettingBody, Body()], if_match: IfMatch = None) -> Setting:
        return service.update_setting(_actor(app), id, body, _revision(if_match))


def _add_addresses(app: APIGatewayHttpResolver, service: Service) -> None:
    path, tags = "/v2/email-settings/email-addresses", ["Email addresses"]

    @app.get(path, tags=tags, operation_id="listEmailAddresses", summary="All addresses", responses=_answers())
    def list_addresses() -> list[EmailAddress]:
        return [views.email_address(one) for one in service.addresses.all(_actor(app).organization)]

    @app.post(path, tags=tags, operation_id="addEmailAddress", summary="Add an address", responses=_answers(201))
    def add_address(body: Annotated[CreateEmailAddress, Body()]) -> Response[EmailAddress]:
        entry = service.addresses.add(_actor(app), body.address, _change_of(body))
        return Response(HTTPStatus.CREATED, _JSON, views.email_address(entry), {"ETag": f'"{entry.revision}"'})

    @app.post(
        f"{path}/primary",
        tags=tags,
        operation_id="setEmailAddressPrimary",
        summary="Make an address the primary one",
        responses=_answers(),
    )
    def make_primary(body: Annotated[NamedAddress, Body()]) -> EmailAddress:
        return views.email_address(service.addresses.make_primary(_actor(app), body.address))

    @app.put(
        f"{path}/epilot:provision",
        tags=tags,
        operation_id="provisionEpilotEmailAddress",
        summary="An address of the platform's own domain; always refused",
        responses=_answers(),
    )
    def provision(body: Annotated[NamedAddress, Body()]) -> EmailAddress:  # noqa: ARG001 - validated, then refused
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "address: must be in a domain of your own, as the platform gives none of its own; add a domain",
        )

    @app.get(f"{path}/<id>", tags=tags, operation_id="getEmailAddress", summary="One address", responses=_answers())
    def get_address(id: str) -> Response[EmailAddress]:
        check_id("address", id)
        entry = service.addresses.one(_actor(app).organization, id)
        return Response(HTTPStatus.OK, _JSON, views.email_address(entry), {"ETag": f'"{entry.revision}"'})

    @app.put(
        f"{path}/<id>", tags=tags, operation_id="updateEmailAddress", summary="Change an address", responses=_answers()
    )
    def update_address(
        id: str, body: Annotated[UpdateEmailAddress, Body()], if_match: IfMatch = None
    ) -> Response[EmailAddress]:
        check_id("address", id)
        entry = service.addresses.update(_actor(app), id, _change_of(body), _revision(if_match))
        return Response(HTTPStatus.OK, _JSON, views.email_address(entry), {"ETag": f'"{entry.revision}"'})

    @app.delete(
        f"{path}/<id>",
        tags=tags,
        operation_id="deleteEmailAddress",
        summary="Delete an address",
        responses=_answers(204),
    )
    def delete_address(id: str, if_match: IfMatch = None) -> Response[None]:
        check_id("address", id)
        service.addresses.delete(_actor(app), id, _revision(if_match))
        return Response(HTTPStatus.NO_CONTENT)


def _actor(app: APIGatewayHttpResolver) -> Actor:
    actor = app.context["actor"]
    assert isinstance(actor, Actor)  # noqa: S101 - `Api` sets it before it asks the routes
    return actor


def _change_of(body: CreateEmailAddress | UpdateEmailAddress) -> AddressChange:
    return AddressChange(
        name=body.name,
        user_ids=tuple(body.user_ids) if body.user_ids is not None else None,
        group_ids=tuple(body.group_ids) if body.group_ids is not None else None,
        default_signature_id=body.default_signature_id,
        shared_inbox_id=body.shared_inbox_id,
        active=body.is_active if isinstance(body, UpdateEmailAddress) else None,
    )


def _revision(if_match: str | None) -> int | None:
    """The revision of an ETag; None where the request accepts any."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    # An ETag of another form matches no entry.
    return int(match[1]) if match else -1
