"""The API's operations: valid requests in, settings out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from typing import Final

from constructs_lib import names
from constructs_lib.faults import RuleError
from constructs_lib.records import DnsRecord, Purpose
from email_stack.settings import shapes, views
from email_stack.settings.ownership import Proof
from email_stack.settings.problems import ApiError
from email_stack.settings.records import Found, found_from, found_text, ready, record_from
from email_stack.settings.shapes import SettingBody, SettingType
from mailroom.errors import MailroomError
from mailroom.events import DomainChanged
from mailroom.messages import html
from mailroom.settings.claims import Claim
from mailroom.settings.designated import AddressChange, Addresses
from mailroom.settings.domains import Domains, Seen
from mailroom.settings.entries import Kind, repeated_within
from mailroom.settings.preferences import Preferences, SettingChange
from mailroom.settings.refusals import Reason, RefusedError
from mailroom.settings.store import Actor, SettingsStore

__all__ = ["Look", "Service", "check_id"]

logger = logging.getLogger(__name__)

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_KINDS: Final = {
    SettingType.SIGNATURE: Kind.SIGNATURE,
    SettingType.ALLOWED_RECIPIENT: Kind.ALLOWED_RECIPIENT,
    SettingType.REPEATED_WITHIN: Kind.REPEATED_WITHIN,
}
_Fault = dict[str, str]


class Look(Enum):
    """Records of a domain that a check reads beside its token."""

    NAME_SERVERS = "name servers"
    ALL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The operations on domains and settings of an actor.

    Args:
        store: the table.
        look: checks a token in a domain's DNS.
        look_at_records: checks records in a domain's DNS. Default: None, no check.
        tell: publishes a domain's change. Default: no event.
    """

    store: SettingsStore
    look: Callable[[str, str], Proof] = field(repr=False)
    look_at_records: Callable[[str, Sequence[DnsRecord]], Sequence[Found]] | None = field(default=None, repr=False)
    tell: Callable[[DomainChanged], None] = field(default=lambda _: None, repr=False)

    @property
    def domains(self) -> Domains:
        """Domains in the table."""
        return Domains(store=self.store)

    @property
    def addresses(self) -> Addresses:
        """Addresses in the table."""
        return Addresses(store=self.store)

    @property
    def preferences(self) -> Preferences:
        """Other settings in the table."""
        return Preferences(store=self.store)

    def add_domain(self, actor: Actor, domain: str, dns: str | None = None) -> shapes.Setting:
        """Claim a domain."""
        return views.domain_setting(
            self.domains.add(actor, domain, names.registrable_domain(domain), dns or "delegated")
        )

    def verify(self, actor: Actor, domain: str, what: Look = Look.ALL) -> shapes.Setting:
        """The domain after a DNS check; soon after a check, its result is repeated.

        Each check reads the token. Records are checked once they are known: after the first deployment.
        """
        claim = self.domains.due(actor.organization, domain)
        if claim is None:
            return views.domain_setting(self.domains.one(actor.organization, domain))
        after, proof = self.check(actor, claim, what)
        found = views.domain_setting(after)
        checks = [one.model_copy(update={"name_servers": list(proof.name_servers)}) for one in found.checks or []]
        return found.model_copy(update={"checks": checks})

    def check(self, actor: Actor, claim: Claim, what: Look = Look.ALL) -> tuple[Claim, Proof]:
        """The claim after a DNS check, and the proof; a change of ownership is an event. Raises RefusedError, MailroomError."""
        proof = self.look(claim.domain, claim.token)
        after = self.domains.checked(actor, claim, self._with_records(claim, proof.seen, what))
        if after.ownership is not claim.ownership:
            event = DomainChanged(
                tenant=after.tenant,
                organization=after.organization,
                change=after.ownership.value,
                revision=after.wanted,
                at=self.store.clock(),
            )
            try:
                self.tell(event)
            except MailroomError as error:
                # The table has the change.
                logger.warning("tenant %s: event not told: %s", after.tenant, type(error).__name__)
        return after, proof

    def _with_records(self, claim: Claim, seen: Seen, what: Look) -> Seen:
        records = [record_from(one) for one in claim.records]
        chosen = [one for one in records if what is Look.ALL or one.purpose is Purpose.DELEGATION]
        if not chosen or self.look_at_records is None:
            return seen
        known = dict(zip(records, map(found_from, claim.found), strict=False))
        known |= zip(chosen, self.look_at_records(claim.domain, chosen), strict=True)
        found = [known.get(one, Found()) for one in records]
        right = sum(one.status == "ok" for one in found)
        return replace(
            seen,
            text=f"{seen.text}; {right} of {len(found)} records are right",
            found=tuple(map(found_text, found)),
            ready=ready(records, found),
        )

    def settings(self, actor: Actor, kind: SettingType) -> Sequence[shapes.Setting]:
        """All settings of a kind."""
        if kind is SettingType.EMAIL_DOMAIN:
            return [views.domain_setting(one) for one in self.domains.all(actor.organization)]
        if kind is SettingType.EMAIL_ADDRESS:
            return [views.address_setting(one) for one in self.addresses.all(actor.organization)]
        return [views.setting(one) for one in self.preferences.all(actor.organization, _KINDS[kind])]

    def setting(self, actor: Actor, kind: SettingType, id: str) -> shapes.Setting:
        """One setting by its id."""
        check_id(kind, id)
        if kind is SettingType.EMAIL_DOMAIN:
            return next((one for one in self.settings(actor, kind) if one.id == id), None) or _missing(
                "domain: not found; take its id from the list"
            )
        if kind is SettingType.EMAIL_ADDRESS:
            return views.address_setting(self.addresses.one(actor.organization, id))
        return views.setting(self.preferences.one(actor.organization, _KINDS[kind], id))

    def add_setting(self, actor: Actor, body: SettingBody, key: str = "") -> shapes.Setting:
        """Add a setting."""
        change, faults = _change_of(body)
        if body.value is None and not (body.type is SettingType.SIGNATURE and body.html):
            faults.append(_fault("value", "must be there; add it"))
        if faults:
            raise _invalid(faults)
        if body.type is SettingType.EMAIL_DOMAIN:
            return self.add_domain(actor, change.value or "")
        if body.type is SettingType.EMAIL_ADDRESS:
            named = AddressChange(name=change.name)
            return views.address_setting(self.addresses.add(actor, change.value or "", named))
        return views.setting(self.preferences.add(actor, _KINDS[body.type], change, key))

    def update_setting(self, actor: Actor, id: str, body: SettingBody, revision: int | None) -> shapes.Setting:
        """Change a setting and return it."""
        check_id(body.type, id)
        change, faults = _change_of(body)
        if faults:
            raise _invalid(faults)
        if body.type in _KINDS:
            return views.setting(self.preferences.update(actor, _KINDS[body.type], id, change, revision))
        known = self.setting(actor, body.type, id)
        if change.value not in {None, known.value}:
            raise RefusedError(
                Reason.CONFLICT,
                f"value: of a setting of type {body.type} cannot be changed; delete it and add another one",
            )
        if body.type is SettingType.EMAIL_DOMAIN:
            return known
        return views.address_setting(self.addresses.update(actor, id, AddressChange(name=change.name), revision))

    def delete_setting(self, actor: Actor, kind: SettingType, id: str, revision: int | None) -> shapes.Setting:
        """Delete a setting and return it."""
        check_id(kind, id)
        if kind is SettingType.EMAIL_DOMAIN:
            known = self.setting(actor, kind, id)
            self.domains.delete(actor, known.value or "")
            return known
        if kind is SettingType.EMAIL_ADDRESS:
            return views.address_setting(self.addresses.delete(actor, id, revision))
        return views.setting(self.preferences.delete(actor, _KINDS[kind], id, revision))


def check_id(what: str, id: str) -> None:
    """Raise RefusedError for a text without the form of an id."""
    if not _ID.fullmatch(id):
        _missing(f"{what}: not found; take its id from the list")


def _missing(text: str) -> shapes.Setting:
    raise RefusedError(Reason.MISSING, text)


def _change_of(body: SettingBody) -> tuple[SettingChange, list[_Fault]]:
    """The fields in their normal form, and all of their faults."""
    faults: list[_Fault] = []

    def judged(name: str, value: str | None, rule: Callable[[str], str]) -> str | None:
        if value is None:
            return None
        try:
            return rule(value)
        except RuleError as error:
            faults.append(_fault(name, str(error)))
        except ValueError as error:
            faults.append(_fault(name, str(error)))
        return None

    change = SettingChange(
        value=judged("value", body.value, _VALUE_RULES[body.type]),
        name=judged("name", body.name, shapes.shown_name),
        html=judged("html", body.html, html.safe_fragment) if body.type is SettingType.SIGNATURE else None,
    )
    return change, faults


def _plain_text(value: str) -> str:
    if any(not one.isprintable() and one not in "\r\n\t" for one in value):
        raise ValueError("must have no control characters but line breaks; remove them")
    return value


def _duration(value: str) -> str:
    repeated_within(value)
    return value.strip()


_VALUE_RULES: Final[dict[SettingType, Callable[[str], str]]] = {
    SettingType.SIGNATURE: _plain_text,
    SettingType.EMAIL_DOMAIN: names.tenant_subdomain,
    SettingType.EMAIL_ADDRESS: shapes.address,
    SettingType.ALLOWED_RECIPIENT: lambda value: names.mailbox(value).lower(),
    SettingType.REPEATED_WITHIN: _duration,
}


def _fault(name: str, detail: str) -> _Fault:
    return {"field": name, "detail": detail}


def _invalid(faults: Sequence[_Fault]) -> ApiError:
    text = "; ".join(f"{one['field']}: {one['detail']}" for one in faults)
    return ApiError(HTTPStatus.BAD_REQUEST, text, errors=faults)
