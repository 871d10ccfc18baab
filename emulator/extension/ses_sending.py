"""SES API v2's SendEmail: refuses the messages that SES refuses, and keeps the transmitted bytes.

Ministack accepts a message from every allowed sender, ignores configuration set and SES tenant, and answers with an id of another
form. Permissions are in `ses_authorization`, SES's later events in `ses_events`.

Source: SES API v2 reference, "SendEmail"; SES developer guide, "Amazon SES header fields", "Service quotas" and "Tenants".
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from emulator import sending
from emulator.extension import ses_events, ses_quota, ses_request, upstream
from emulator.extension.ses_request import Outgoing
from emulator.extension.upstream import Response
from emulator.tracking import tracked

V1, V2 = "services.ses", "services.ses_v2"
MOST_RECIPIENTS: Final = 50
MOST_BYTES: Final = 40 * 1024 * 1024
REGIONS: Final = {"us-east-1": "0100", "us-west-2": "0101", "eu-west-1": "0102", "eu-central-1": "0107"}
ONCE: Final = (
    "Content-Transfer-Encoding",
    "Content-Type",
    "Date",
    "From",
    "In-Reply-To",
    "Message-ID",
    "MIME-Version",
    "References",
    "Reply-To",
    "Return-Path",
    "Sender",
    "Subject",
)
"""Header fields that may appear once only. SES developer guide, "Amazon SES header fields"."""


@dataclass(frozen=True)
class Refused(Exception):  # noqa: N818 - as SES says it
    """SES's error in place of an id."""

    code: str
    text: str
    status: int = 400


def install() -> None:
    """Replace ministack's SendEmail."""
    upstream.replace(V2, "handle_request", _with_sending)


def _with_sending(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        if (method, path.rstrip("/")) != ("POST", ses_request.PATH):
            return await original(method, path, headers, body, query)
        try:
            sent = _accepted(
                Outgoing.of(body), upstream.attribute("core.iam_evaluator", "request_caller_arn")(headers, query)
            )
        except Refused as refused:
            return _error(refused.code, refused.text, refused.status)
        ses_events.keep(sent)
        ses_events.follow(sent)
        return _json({"MessageId": sent.message_id})

    return handle


def _accepted(outgoing: Outgoing, caller_arn: str) -> sending.Sent:
    if len(outgoing.kinds) != 1:
        raise Refused("BadRequestException", "Content must have exactly one of Simple, Raw and Template.")
    configuration_set = outgoing.configuration_set
    _check_resources(outgoing, configuration_set)
    raw, subject = (outgoing.raw, "") if outgoing.is_raw else _built(outgoing)
    _check_message(outgoing, raw)
    if refusal := ses_quota.quota().refusal(len(outgoing.recipients)):
        raise Refused(*refusal)
    now = datetime.now(UTC)
    region = upstream.region()
    message_id = _message_id(region, now)
    _tell_ministack(outgoing, message_id, subject)
    followed = [
        kind
        for kind in ("Open", "Click")
        if kind not in outgoing.untracked and ses_events.destinations(kind, configuration_set)
    ]
    return sending.Sent(
        message_id=message_id,
        raw=tracked(sending.transmitted(raw, message_id, region, now), message_id, region, followed),
        sender=outgoing.sender,
        recipients=tuple(outgoing.recipients),
        configuration_set=configuration_set,
        tenant=outgoing.tenant,
        at=now,
        identity_arn=outgoing.identity_arn,
        source=outgoing.source,
        headers=sending.header_fields(raw),
        tags={**_own_tags(outgoing, configuration_set, caller_arn), **outgoing.tags},
        untracked=outgoing.untracked,
    )


def _check_resources(outgoing: Outgoing, configuration_set: str | None) -> None:
    """Check that the named resources exist, may be used, and belong together."""
    tenant = outgoing.tenant
    if tenant and tenant not in upstream.attribute(V2, "_tenants"):
        text = f"Tenant {tenant} for AwsAccountId {upstream.account()} not found."
        raise Refused("NotFoundException", text, 404)
    record = upstream.attribute(V2, "_config_sets").get(configuration_set) if configuration_set else {}
    if record is None:
        raise Refused("NotFoundException", f"Configuration set <{configuration_set}> does not exist.", 404)
    if tenant:
        held = upstream.attribute(V2, "_tenant_resources").get(tenant) or {}
        if missing := [arn for arn in outgoing.resource_arns if arn not in held]:
            text = f"Tenant not associated with resources [{', '.join(missing)}]."
            raise Refused("AccessDeniedException", text, 403)
    if not (record.get("SendingOptions") or {}).get("SendingEnabled", True):
        raise Refused("SendingPausedException", "Sending paused for this configuration set.")


def _check_message(outgoing: Outgoing, raw: bytes) -> None:
    recipients = outgoing.recipients
    header = Counter(name for name, _ in outgoing.header)
    twice = next((name for name in ONCE if header[name.lower()] > 1), None)
    missing_domain = upstream.attribute(V1, "_missing_domain")
    if len(raw) > MOST_BYTES:
        text = f"Message length is more than {MOST_BYTES} bytes long: '{len(raw)}'."
    elif sending.split(raw) is None:
        text = "The message has to contain a header and a body, separated by one blank line."
    elif twice:
        text = f"Duplicate header '{twice}'."
    elif not outgoing.sender:
        text = "Missing required header 'From'."
    elif not recipients:
        text = "Missing required header 'To'."
    elif len(recipients) > MOST_RECIPIENTS:
        text = f"Recipient count exceeds {MOST_RECIPIENTS}."
    elif any(missing_domain(address) for address in [*outgoing.senders, *recipients]):
        text = "Missing final '@domain'"
    else:
        for sender in outgoing.senders:
            if rejected := upstream.attribute(V1, "_message_rejection")(sender, recipients):
                raise Refused("MessageRejected", rejected)
        return
    raise Refused("BadRequestException", text)


def _built(outgoing: Outgoing) -> tuple[bytes, str]:
    """The message that SES makes of simple content or of a template, and its subject."""
    content = outgoing.data["Content"]
    if template := content.get("Template"):
        stored, _name, error = upstream.attribute(V2, "_resolve_send_template")(template)
        if error:
            status, headers, _body = error
            raise Refused(headers["x-amzn-errortype"], "Template cannot be used.", status)
        found = upstream.attribute(V1, "_render_template")(stored, template.get("TemplateData", ""))
        parts = (found.get("Subject", ""), found.get("Text", ""), found.get("Html", ""))
    else:
        simple = content["Simple"]
        body = simple.get("Body") or {}
        parts = tuple(
            (part or {}).get("Data", "") for part in (simple.get("Subject"), body.get("Text"), body.get("Html"))
        )
    return outgoing.built(*parts), parts[0]


def _message_id(region: str, now: datetime) -> str:
    """An id in SES's form: region, time, random characters and a counter."""
    return f"{REGIONS.get(region, '010f')}{int(now.timestamp() * 1000):012x}-{uuid.uuid4()}-000000"


def _own_tags(outgoing: Outgoing, configuration_set: str | None, caller_arn: str) -> dict[str, list[str]]:
    # A role's session is named role/session; SES names the role.
    identity = caller_arn.rpartition(":")[2].split("/")
    own = {
        "ses:source-tls-version": "TLSv1.3",
        "ses:operation": "SendRawEmail" if outgoing.is_raw else "SendEmail",
        "ses:source-ip": "192.0.2.0",
        "ses:from-domain": outgoing.sender.rpartition("@")[2],
        "ses:caller-identity": identity[1] if len(identity) > 1 else identity[0],
        **({"ses:configuration-set": configuration_set} if configuration_set else {}),
    }
    return {name: [value] for name, value in own.items()}


def _tell_ministack(outgoing: Outgoing, message_id: str, subject: str) -> None:
    """Add the message to ministack's own count and list: GetAccount, GET /_ministack/ses/messages."""
    record = {
        "MessageId": message_id,
        "Source": outgoing.source,
        "To": outgoing.recipients,
        "CC": [],
        "BCC": [],
        "Subject": next(iter(outgoing.values("subject")), subject),
        "BodyText": "",
        "BodyHtml": None,
        "Timestamp": time.time(),
        "Type": "v2.SendEmail",
    }
    upstream.attribute(V1, "_sent_emails_list")().append(record)


def _json(data: dict[str, Any]) -> Response:
    response: Response = upstream.attribute("core.responses", "json_response")(data)
    return response


def _error(code: str, message: str, status: int) -> Response:
    response: Response = upstream.attribute(V2, "_json_err")(code, message, status)
    return response
