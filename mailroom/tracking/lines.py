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
from mailroom.tracking.model import Engagement, EngagementKind

__all__ = ["PATHS", "engagement_of", "template_of"]

_TIMES: Final = ("open", "click", "delivery", "bounce", "complaint", "deliveryDelay")
"""Objects of an event that say when it happened; of the others, it is when SES took the message."""
_BOTS: Final = ("open", "click")
_SUBTYPES: Final = ("bounce", "complaint")

PATHS: Final[Mapping[str, str]] = {
    "kind": "$.detail.eventType",
    "bounce": "$.detail.bounce.bounceType",
    "message": "$.detail.mail.messageId",
    "accepted": "$.detail.mail.timestamp",
    "link": "$.detail.click.link",
    **{f"{name}At": f"$.detail.{name}.timestamp" for name in _TIMES},
    **{f"{name}Bot": f"$.detail.{name}.isBotEvent" for name in _BOTS},
    **{f"{name}Subtype": f"$.detail.{name}.{name}SubType" for name in _SUBTYPES},
}
"""The transformer's variables: all that is read of an event."""

_BOUNCES: Final = {
    "Bounce": EngagementKind.SOFT_BOUNCE,  # nothing says that it is for good
    "BouncePermanent": EngagementKind.BOUNCE,
    "BounceTransient": EngagementKind.SOFT_BOUNCE,
    "BounceUndetermined": EngagementKind.SOFT_BOUNCE,
}
_WITH_SUBTYPE: Final = frozenset({EngagementKind.BOUNCE, EngagementKind.SOFT_BOUNCE, EngagementKind.COMPLAINT})
_FIELDS: Final = {"1": 7, "2": 8}
"""By version. Lines of version 1, which have no subtype, may wait in a queue while the rule is replaced."""
_SUBTYPE: Final = re.compile(r"(?!null$)[A-Za-z]{1,64}+")
"""SES's subtypes are single words; of a complaint it is null, as a rule."""
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}+")
_MOST_LINK: Final = 2048


def template_of(configuration_set: str) -> str:
    """The transformer's template.

    Args:
        configuration_set: its name, as a string or as a token that becomes one.
    """
    times = "".join(f"<{name}At>" for name in _TIMES)
    bots = "".join(f"<{name}Bot>" for name in _BOTS)
    subtypes = "".join(f"<{name}Subtype>" for name in _SUBTYPES)
    return f'"2|<kind><bounce>|<message>|{configuration_set}|<accepted>|{times}|{bots}|{subtypes}|<link>"'


def engagement_of(line: str, configuration_set: str) -> Engagement:
    """What a line says.

    Args:
        line: body of a queue message.
        configuration_set: the tenant's; a line of another is not taken.

    Raises:
        PermanentError: it is no such line. Its text tells what is wrong, and nothing of the line.
    """
    version, _, rest = _unquoted(line).partition("|")
    number = _FIELDS.get(version, 0)
    fields = rest.split("|", max(number - 1, 0))
    if len(fields) != number:
        raise PermanentError("engagement: must be a line of version 2 with 9 fields, or of version 1 with 8")
    kind, ses_id, of, accepted, at, bot, *subtypes, link = fields
    if of != configuration_set:
        raise PermanentError("engagement: must be of the tenant's configuration set")
    if not _ID.fullmatch(ses_id):
        raise PermanentError("engagement: must have SES's id of a message")
    try:
        known = _BOUNCES.get(kind) or EngagementKind(kind)
        moment = datetime.fromisoformat(at or accepted)
    except ValueError as error:
        raise PermanentError("engagement: must have a kind and a time that SES documents") from error
    if moment.tzinfo is None:
        raise PermanentError("engagement: must have a time with a zone")
    return Engagement(
        kind=known,
        ses_id=ses_id,
        at=moment,
        link=link[:_MOST_LINK] if known is EngagementKind.CLICK else "",
        bot=bot.lower() in {"true", "likely"},
        subtype=next(filter(_SUBTYPE.fullmatch, subtypes), "") if known in _WITH_SUBTYPE else "",
    )


def _unquoted(line: str) -> str:
    """Without the quotes that stand around it, whether or not what is in it is escaped."""
    try:
        plain = json.loads(line)
    except ValueError:
        return line[1:-1] if len(line) > 1 and line[0] == line[-1] == '"' else line
    return plain if isinstance(plain, str) else line
