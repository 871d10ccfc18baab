"""The line that EventBridge makes of each event, and what it says. Pure.

SES's events hold addresses of recipients, of networks and of programs. A rule's input transformer keeps what is named here, before
anything is queued, logged or stored; a line, because a transformer escapes nothing, and a link may hold any character.

Source: EventBridge user guide, "Amazon EventBridge input transformation": of what an event lacks, nothing appears.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from mailroom.errors import PermanentError
from mailroom.layout import OUTBOX_TAG
from mailroom.tracking.model import SendingEvent, SendingEventKind

__all__ = ["EVENT_TYPES", "PATHS", "sending_event_of", "set_of", "template"]

_TIMES: Final = ("open", "click", "delivery", "bounce", "complaint", "deliveryDelay")
"""Objects of an event that say when it happened; of the others, it is when SES took the message."""
_BOTS: Final = ("open", "click")
_SUBTYPES: Final = ("bounce", "complaint")

PATHS: Final[Mapping[str, str]] = {
    "set": "$.resources[0]",
    "kind": "$.detail.eventType",
    "bounce": "$.detail.bounce.bounceType",
    "message": "$.detail.mail.messageId",
    "accepted": "$.detail.mail.timestamp",
    "event": "$.id",
    "outbox": f"$.detail.mail.tags.{OUTBOX_TAG}[0]",
    "link": "$.detail.click.link",
    **{f"{name}At": f"$.detail.{name}.timestamp" for name in _TIMES},
    **{f"{name}Bot": f"$.detail.{name}.isBotEvent" for name in _BOTS},
    "feedback": "$.detail.complaint.complaintFeedbackType",
    **{f"{name}Subtype": f"$.detail.{name}.{name}SubType" for name in _SUBTYPES},
}
"""The transformer's variables: all that is read of an event.

Whose mail it is, SES says as the ARN of the configuration set, which no sender writes. What senders add to a message is in
`$.detail.mail.tags`: of that, only the tag is read by which the outbox finds a message of the same tenant again.
"""

EVENT_TYPES: Final = tuple(kind.value for kind in SendingEventKind if kind is not SendingEventKind.SOFT_BOUNCE)
"""What SES calls the events that are kept."""

_BOUNCES: Final = {
    "Bounce": SendingEventKind.SOFT_BOUNCE,  # nothing says that it is for good
    "BouncePermanent": SendingEventKind.BOUNCE,
    "BounceTransient": SendingEventKind.SOFT_BOUNCE,
    "BounceUndetermined": SendingEventKind.SOFT_BOUNCE,
}
_VERSION: Final = "4"
_FIELDS: Final = 10
_BEFORE: Final = "3"
_FIELDS_BEFORE: Final = 8
"""Lines of before, of which some wait in a queue: they name neither the event nor a message of the outbox."""
_WITH_SUBTYPE: Final = frozenset({SendingEventKind.BOUNCE, SendingEventKind.SOFT_BOUNCE, SendingEventKind.COMPLAINT})
_SUBTYPE: Final = re.compile(r"(?!null$)[A-Za-z]{1,64}+")
"""SES's subtypes are single words; of a complaint it is null, as a rule."""
_FEEDBACK: Final = re.compile(r"(?!null$)[A-Za-z-]{1,64}+")
"""RFC 5965 7.3 and the registry of feedback types: words with dashes."""
_SET: Final = re.compile(r"[A-Za-z0-9_-]{1,64}+")
"""SES API reference, ConfigurationSetName."""
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}+")
_REQUEST: Final = re.compile(r"[0-9a-f]{40}")
"""Id of a message in the outbox."""
_MOST_LINK: Final = 2048


def template() -> str:
    """The transformer's template; the same for all tenants."""
    times = "".join(f"<{name}At>" for name in _TIMES)
    bots = "".join(f"<{name}Bot>" for name in _BOTS)
    subtypes = "".join(f"<{name}Subtype>" for name in _SUBTYPES)
    return f'"{_VERSION}|<kind><bounce>|<message>|<set>|<accepted>|{times}|{bots}<feedback>|{subtypes}|<event>|<outbox>|<link>"'


def set_of(line: str, sets_arn: str) -> str:
    """Name of the configuration set that a line is of.

    Args:
        line: body of a queue message.
        sets_arn: what the ARNs of the account's configuration sets in the region begin with; a line of another is not taken.

    Raises:
        PermanentError: it is no such line. Its text tells what is wrong, and nothing of the line.
    """
    of = _fields(line)[2]
    name = of.removeprefix(sets_arn)
    if not of.startswith(sets_arn) or not _SET.fullmatch(name):
        raise PermanentError("engagement: must have the ARN of a configuration set of this account and region")
    return name


def sending_event_of(line: str) -> SendingEvent:
    """What a line says.

    Args:
        line: body of a queue message.

    Raises:
        PermanentError: it is no such line. Its text tells what is wrong, and nothing of the line.
    """
    kind, ses_id, _of, accepted, at, bot, subtype, event, outbox, link = _fields(line)
    if not _ID.fullmatch(ses_id):
        raise PermanentError("engagement: must have SES's id of a message")
    try:
        known = _BOUNCES.get(kind) or SendingEventKind(kind)
        moment = datetime.fromisoformat(at or accepted)
    except ValueError as error:
        raise PermanentError("engagement: must have a kind and a time that SES documents") from error
    if moment.tzinfo is None:
        raise PermanentError("engagement: must have a time with a zone")
    return SendingEvent(
        kind=known,
        ses_id=ses_id,
        at=moment,
        link=link[:_MOST_LINK] if known is SendingEventKind.CLICK else "",
        bot=known is not SendingEventKind.COMPLAINT and bot.lower() in {"true", "likely"},
        # Where the others say whether a program did it: no complaint has that.
        feedback=bot.lower() if known is SendingEventKind.COMPLAINT and _FEEDBACK.fullmatch(bot) else "",
        subtype=subtype if known in _WITH_SUBTYPE and _SUBTYPE.fullmatch(subtype) else "",
        event=event if _ID.fullmatch(event) else "",
        outbox=outbox if _REQUEST.fullmatch(outbox) else "",
    )


def _fields(line: str) -> list[str]:
    version, _, rest = _unquoted(line).partition("|")
    if version == _BEFORE and rest.count("|") >= _FIELDS_BEFORE - 1:
        *fields, link = rest.split("|", _FIELDS_BEFORE - 1)
        return [*fields, "", "", link]
    fields = rest.split("|", _FIELDS - 1)
    if version != _VERSION or len(fields) != _FIELDS:
        raise PermanentError(f"engagement: must be a line of version {_VERSION} with {_FIELDS + 1} fields")
    return fields


def _unquoted(line: str) -> str:
    """Without the quotes that stand around it, whether or not what is in it is escaped."""
    try:
        plain = json.loads(line)
    except ValueError:
        return line[1:-1] if len(line) > 1 and line[0] == line[-1] == '"' else line
    return plain if isinstance(plain, str) else line
