"""IAM's checks for a call that sends through SES API v2.

A raw message needs ses:SendRawEmail as well, and each action must be allowed on the identity and on the
configuration set, the identity's own included. Ministack checks once, for any resource and without SES's condition keys.

Source: Service authorization reference, "Amazon Simple Email Service v2"; SES developer guide, "Identity and access management";
django-anymail's documentation of SES's permissions, for the second action.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr
from typing import Any

from emulator.extension import ses_request, upstream

SEND, SEND_RAW = "ses:SendEmail", "ses:SendRawEmail"


def install() -> None:
    """Check each action on each resource of a message."""
    upstream.replace("app", "_enforce_ses_v2", _with_messages)


def _with_messages(original: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(method: str, path: str, *call: Any) -> Any:
        if (method, path.rstrip("/")) != ("POST", ses_request.PATH):
            return original(method, path, *call)
        headers, body, query, request_id = call
        outgoing = ses_request.Outgoing.of(body)
        for action in (SEND, SEND_RAW) if outgoing.is_raw else (SEND,):
            for arn in outgoing.resource_arns:
                refused = upstream.attribute("app", "_enforce_data_plane")(
                    "sesv2",
                    action,
                    headers,
                    query,
                    request_id,
                    resource_arn=arn,
                    service_context=_keys(action, outgoing),
                    named_resource=arn,
                )
                if refused:
                    return refused
        return None

    return enforce


def _keys(action: str, outgoing: ses_request.Outgoing) -> dict[str, Any]:
    """The condition keys with a value in the request. SendRawEmail has none for the SES tenant."""
    found = {
        "ses:ApiVersion": "2",
        "ses:FromAddress": outgoing.sender,
        "ses:FromDisplayName": parseaddr(outgoing.source)[0],
        "ses:Recipients": outgoing.recipients,
        "ses:FeedbackAddress": outgoing.feedback_address,
        "ses:TenantName": outgoing.tenant if action == SEND else None,
    }
    return {key: value for key, value in found.items() if value}
