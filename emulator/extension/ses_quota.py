"""An SES account's limits of sending, per second and in 24 hours: SendEmail refuses more, GetAccount returns them.

Ministack refuses nothing and returns numbers of its own. The limits are the account's in one region; `PUT /_emulator/ses/quota`
sets them, see `Emulator.limit_sending`. By default they are too high to be reached.

A message is counted by its recipients. While a second has a rest, a message is accepted whole, and its excess is taken from the
next seconds.

Source: SES developer guide, "Service quotas", "Managing your sending limits" and "Errors related to the sending quotas"; SES API v2
reference, "SendEmail" and "GetAccount".
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from emulator.extension import endpoints, upstream

V2 = "services.ses_v2"
PATH: Final = "/_emulator/ses/quota"
DAY_SECONDS: Final = 24 * 60 * 60
_quotas: Any = None


@dataclass
class Quota:
    """One account's in one region.

    Args:
        per_second: recipients a second.
        per_day: recipients within 24 hours.
        left: rest of this second.
        since: time of that rest.
        sent: times and numbers of recipients within the last 24 hours.
    """

    per_second: float = 10_000.0
    per_day: float = 10_000_000.0
    left: float = 10_000.0
    since: float = 0.0
    sent: list[tuple[float, int]] = field(default_factory=list)

    def sent_of_day(self) -> int:
        """Recipients within the last 24 hours."""
        self.sent = [(at, count) for at, count in self.sent if at > time.time() - DAY_SECONDS]
        return sum(count for _, count in self.sent)

    def refusal(self, recipients: int) -> tuple[str, str, int] | None:
        """SES's refusal of a message: code, text and status. None if SES accepts it; then it is counted."""
        now = time.time()
        self.left = min(max(1.0, self.per_second), self.left + self.per_second * max(0.0, now - self.since))
        self.since = now
        if self.sent_of_day() >= self.per_day:
            return "LimitExceededException", "Daily message quota exceeded.", 400
        if self.left < 1:
            return "TooManyRequestsException", "Maximum sending rate exceeded.", 429
        self.left -= recipients
        self.sent.append((now, recipients))
        return None


def install() -> None:
    """Serve the path, and return the limits by GetAccount."""
    global _quotas  # noqa: PLW0603 - ministack keeps its own by account and region, in a class of its own
    _quotas = upstream.attribute("core.responses", "AccountRegionScopedDict")()
    endpoints.serve("PUT", PATH, _limit)
    upstream.replace(V2, "handle_request", _with_quota)
    upstream.replace(V2, "reset", _forgetting)


def quota() -> Quota:
    """The quota of the current account and region."""
    if "quota" not in _quotas:
        _quotas["quota"] = Quota()
    found: Quota = _quotas["quota"]
    return found


def _limit(query: dict[str, str], _content: bytes) -> endpoints.Answer:
    of = quota()
    of.per_second, of.per_day = float(query["per_second"]), float(query["per_day"])
    of.left = max(1.0, of.per_second)
    return 200, json.dumps({"per_second": of.per_second, "per_day": of.per_day})


def _with_quota(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        answer = await original(method, path, headers, body, query)
        if (method, path.rstrip("/")) != ("GET", "/v2/email/account"):
            return answer
        status, answered, content = answer
        of = quota()
        said = {
            "Max24HourSend": of.per_day,
            "MaxSendRate": of.per_second,
            "SentLast24Hours": float(of.sent_of_day()),
        }
        account = json.loads(content) | {"SendQuota": said}
        return (
            upstream.attribute("core.responses", "json_response")(account)
            if status < 300
            else (status, answered, content)
        )

    return handle


def _forgetting(original: Any) -> Any:
    def reset() -> None:
        original()
        _quotas.clear()

    return reset
