"""The line that EventBridge makes of each event, and its fields. Pure.

SES's events have addresses of recipients, of networks and of programs. A rule's input transformer keeps only the fields below,
before an event is queued, logged or stored. The form is a line: a transformer escapes nothing, and a link may have any character.

Source: EventBridge user guide, "Amazon EventBridge input transformation": a field that an event lacks is empty.
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
"""Objects of an event with its time; other events have the time at which SES accepted the message."""
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
"""The transformer's variables: all fields of an event that are read.

SES names the tenant by the ARN of the configuration set, which no sender writes. `$.detail.mail.tags` has senders' own tags, too:
only the outbox's tag is read, which names a message of the same tenant.
"""

EVENT_TYPES: Final = tuple(kind.value for kind in SendingEventKind if kind is not SendingEventKind.SOFT_BOUNCE)
"""SES's names of the recorded events."""

_BOUNCES: Final = {
    "Bounce": SendingEventKind.SOFT_BOUNCE,  # its permanence is unknown
    "BouncePermanent": SendingEventKind.BOUNCE,
    "BounceTransient": SendingEventKind.SOFT_BOUNCE,
    "BounceUndetermined": SendingEventKind.SOFT_BOUNCE,
}
_VERSION: Final = "4"
_FIELDS: Final = 10
_BEFORE: Final = "3"
_FIELDS_BEFORE: Final = 8
"""Fields of older lines, which may wait in a queue: they lack the ids of event and outbox."""
_WITH_SUBTYPE: Final = frozenset({SendingEventKind.BOUNCE, SendingEventKind.SOFT_BOUNCE, SendingEventKind.COMPLAINT})
_SUBTYPE: Final = re.compile(r"(?!null$)[A-Za-z]{1,64}+")
"""SES's subtypes are single words; for complaints usually null."""
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
    """Name of a line's configuration set.

    Args:
        line: body of a queue message.
        sets_arn: prefix of the ARNs of configuration sets in this account and region; lines of others are refused.

    Raises:
        PermanentError: the line is invalid. The text names the fault, and repeats no part of the line.
    """
    of = _fields(line)[2]
    name = of.removeprefix(sets_arn)
    if not of.startswith(sets_arn) or not _SET.fullmatch(name):
        raise PermanentError("engagement: must have the ARN of a configuration set of this account and region")
    return name


def sending_event_of(line: str) -> SendingEvent:
    """The event of a line.

    Args:
        line: body of a queue message.

    Raises:
        PermanentError: the line is invalid. The text names the fault, and repeats no part of the line.
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
        # A complaint has its feedback type in the field for programs, which it lacks.
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
    """The line without its quotes, with or without escapes in it."""
    try:
        plain = json.loads(line)
    except ValueError:
        return line[1:-1] if len(line) > 1 and line[0] == line[-1] == '"' else line
    return plain if isinstance(plain, str) else line
