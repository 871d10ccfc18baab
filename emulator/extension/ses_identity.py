"""E-mail identities: Easy DKIM as AWS returns it, and the Put calls of their attributes.

Ministack's identities have no DKIM attributes for CloudFormation, can be created twice, cannot be changed through the
API, and are verified at once; when they are verified here is said in `ses_verification`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from emulator.extension import ses_verification, upstream
from emulator.extension.upstream import Properties, Provisioned, Response

V1, V2 = "services.ses", "services.ses_v2"
KEY_LENGTHS = ("RSA_1024_BIT", "RSA_2048_BIT")
PROPERTIES = (
    "ConfigurationSetAttributes",
    "DkimAttributes",
    "DkimSigningAttributes",
    "EmailIdentity",
    "FeedbackAttributes",
    "MailFromAttributes",
    "Tags",
)


def install() -> None:
    """Replace the type's handlers and extend the SES v2 API."""
    upstream.replace(V2, "handle_request", _extended)
    upstream.register(
        upstream.ResourceType(
            name="AWS::SES::EmailIdentity",
            properties=frozenset(PROPERTIES),
            create=_create,
            update=_update,
            delete=_delete,
            replacing=("EmailIdentity",),
            tags="Tags",
        )
    )


# The API


def _extended(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        root, _, rest = path.rstrip("/").partition("/identities")
        if root not in ("/v2/email", "/v1/email") or (rest and not rest.startswith("/")):
            return await original(method, path, headers, body, query)
        data = json.loads(body) if body else {}
        name, _, aspect = rest.removeprefix("/").partition("/")
        if method == "PUT" and aspect in CHANGES:
            return _change(name, aspect, data)
        if method == "POST" and not name:
            return await _create_identity(original, (method, path, headers, body, query), data)
        if method == "GET":
            ses_verification.refresh()
        response = await original(method, path, headers, body, query)
        if method == "DELETE" and response[0] == 200:
            upstream.attribute(V1, "_identities").pop(name, None)
        return response

    return handle


async def _create_identity(original: upstream.Asynchronous, request: tuple[Any, ...], data: dict[str, Any]) -> Response:
    name = data.get("EmailIdentity", "")
    if name in _identities():
        return _error("AlreadyExistsException", f"Email identity {name} already exist.")
    if (invalid := _missing_set(data)) or (invalid := _invalid_signing(data.get("DkimSigningAttributes") or {})):
        return invalid
    response: Response = await original(*request)
    if response[0] != 200:
        return response
    record = _identities()[name]
    record["FeedbackForwardingStatus"] = True
    record["ConfigurationSetName"] = data.get("ConfigurationSetName", "")
    record["DkimAttributes"]["SigningEnabled"] = record["IdentityType"] == "DOMAIN"
    _sign(record, data.get("DkimSigningAttributes") or {})
    make = upstream.attribute(V1, "_make_identity")
    kind = "Domain" if record["IdentityType"] == "DOMAIN" else "EmailAddress"
    upstream.attribute(V1, "_identities")[name] = make(name, kind)
    ses_verification.refresh()
    answer = {key: record[key] for key in ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")}
    return _json(answer)


def _change(name: str, aspect: str, data: dict[str, Any]) -> Response:
    record = _identities().get(name)
    if record is None:
        return _error("NotFoundException", f"Email identity {name} does not exist.", 404)
    return CHANGES[aspect](record, data) or _json({})


def _put_dkim(record: dict[str, Any], data: dict[str, Any]) -> Response | None:
    record["DkimAttributes"]["SigningEnabled"] = bool(data.get("SigningEnabled"))
    return None


def _put_signing(record: dict[str, Any], data: dict[str, Any]) -> Response | None:
    attributes = data.get("SigningAttributes") or {}
    if invalid := _invalid_signing(attributes):
        return invalid
    _sign(record, attributes)
    return None


def _put_mail_from(record: dict[str, Any], data: dict[str, Any]) -> Response | None:
    domain = data.get("MailFromDomain", "")
    owner = record["EmailIdentity"].rpartition("@")[2]
    if domain and not domain.endswith(f".{owner}"):
        return _error("BadRequestException", f"Provided MAIL-FROM domain <{domain}> is not a subdomain of <{owner}>.")
    behaviour = data.get("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE"
    record["MailFromAttributes"] = {"MailFromDomain": domain, "BehaviorOnMxFailure": behaviour}
    return None


def _put_configuration_set(record: dict[str, Any], data: dict[str, Any]) -> Response | None:
    if invalid := _missing_set(data):
        return invalid
    record["ConfigurationSetName"] = data.get("ConfigurationSetName", "")
    return None


def _put_feedback(record: dict[str, Any], data: dict[str, Any]) -> Response | None:
    record["FeedbackForwardingStatus"] = bool(data.get("EmailForwardingEnabled"))
    return None


CHANGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Response | None]] = {
    "dkim": _put_dkim,
    "dkim/signing": _put_signing,
    "mail-from": _put_mail_from,
    "configuration-set": _put_configuration_set,
    "feedback": _put_feedback,
}


def _missing_set(data: dict[str, Any]) -> Response | None:
    name = data.get("ConfigurationSetName")
    if name and name not in upstream.attribute(V2, "_config_sets"):
        return _error("NotFoundException", f"Configuration set <{name}> does not exist.", 404)
    return None


def _invalid_signing(attributes: dict[str, Any]) -> Response | None:
    length = attributes.get("NextSigningKeyLength")
    own = [attributes.get(key) for key in ("DomainSigningPrivateKey", "DomainSigningSelector")]
    if length and length not in KEY_LENGTHS:
        return _error("BadRequestException", f"NextSigningKeyLength must be one of {KEY_LENGTHS}, got {length}")
    if any(own) and not all(own):
        return _error("BadRequestException", "A key of one's own needs both its private key and its selector")
    return None


def _sign(record: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Set the DKIM attributes of GetEmailIdentity, for AWS's key or a customer's own."""
    dkim = record["DkimAttributes"]
    if record["IdentityType"] != "DOMAIN":
        return
    if selector := attributes.get("DomainSigningSelector"):
        for key in ("SigningHostedZone", "NextSigningKeyLength", "CurrentSigningKeyLength"):
            dkim.pop(key, None)
        dkim |= {"SigningAttributesOrigin": "EXTERNAL", "Tokens": [selector], "SigningEnabled": True}
        return
    length = attributes.get("NextSigningKeyLength", "RSA_2048_BIT")
    dkim |= {
        "SigningAttributesOrigin": "AWS_SES",
        "SigningHostedZone": ses_verification.HOSTED_ZONE,
        "Tokens": upstream.attribute(V1, "_dkim_tokens")(record["EmailIdentity"]),
        "NextSigningKeyLength": length,
        "LastKeyGenerationTimestamp": int(time.time()),
    }
    dkim.setdefault("CurrentSigningKeyLength", length)


def _identities() -> Any:
    return upstream.attribute(V2, "_identities")


def _json(data: dict[str, Any]) -> Response:
    response: Response = upstream.attribute("core.responses", "json_response")(data)
    return response


def _error(code: str, message: str, status: int = 400) -> Response:
    response: Response = upstream.attribute(V2, "_json_err")(code, message, status)
    return response


# The CloudFormation type


def _create(_logical_id: str, properties: Properties, _stack_name: str) -> Provisioned:
    name = properties["EmailIdentity"]
    signing = properties.get("DkimSigningAttributes")
    upstream.client("sesv2").create_email_identity(
        EmailIdentity=name,
        Tags=properties.get("Tags") or [],
        **({"DkimSigningAttributes": signing} if signing else {}),
    )
    try:
        _apply(name, {}, properties)
    except ClientError:
        _delete(name, {})  # cleaned up here: CloudFormation does not delete a resource that was not created
        raise
    return _provisioned(name)


def _update(physical_id: str, old: Properties, new: Properties) -> Provisioned:
    signing = new.get("DkimSigningAttributes") or {}
    if signing != (old.get("DkimSigningAttributes") or {}):
        origin = "EXTERNAL" if signing.get("DomainSigningSelector") else "AWS_SES"
        upstream.client("sesv2").put_email_identity_dkim_signing_attributes(
            EmailIdentity=physical_id, SigningAttributesOrigin=origin, SigningAttributes=signing
        )
    _apply(physical_id, old, new)
    return _provisioned(physical_id)


def _delete(physical_id: str, _properties: Properties) -> None:
    try:
        upstream.client("sesv2").delete_email_identity(EmailIdentity=physical_id)
    except ClientError as error:
        if not upstream.gone(error, "NotFoundException"):
            raise


def _apply(name: str, old: Properties, new: Properties) -> None:
    ses = upstream.client("sesv2")

    def changed(key: str) -> Any:
        before, after = old.get(key) or {}, new.get(key) or {}
        return after if before != after else None

    if (mail_from := changed("MailFromAttributes")) is not None:
        ses.put_email_identity_mail_from_attributes(EmailIdentity=name, **mail_from)
    if (dkim := changed("DkimAttributes")) is not None:
        enabled = upstream.flag(dkim.get("SigningEnabled", True))
        ses.put_email_identity_dkim_attributes(EmailIdentity=name, SigningEnabled=enabled)
    if (feedback := changed("FeedbackAttributes")) is not None:
        enabled = upstream.flag(feedback.get("EmailForwardingEnabled", True))
        ses.put_email_identity_feedback_attributes(EmailIdentity=name, EmailForwardingEnabled=enabled)
    if (configuration := changed("ConfigurationSetAttributes")) is not None:
        ses.put_email_identity_configuration_set_attributes(EmailIdentity=name, **configuration)
    if old and (old.get("Tags") or []) != (new.get("Tags") or []):
        _identities()[name]["Tags"] = new.get("Tags") or []


def _provisioned(name: str) -> Provisioned:
    dkim = upstream.client("sesv2").get_email_identity(EmailIdentity=name)["DkimAttributes"]
    attributes: dict[str, Any] = {}
    if dkim.get("SigningAttributesOrigin") == "AWS_SES":
        for number, token in enumerate(dkim["Tokens"], 1):
            attributes[f"DkimDNSTokenName{number}"] = f"{token}._domainkey.{name}"
            attributes[f"DkimDNSTokenValue{number}"] = f"{token}.{dkim['SigningHostedZone']}"
    return name, attributes
