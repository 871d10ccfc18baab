"""Computes one tenant's share of the account's sending quota and rate. Pure.

Tenants do not know of each other. SES tells each of them the account's quota, its usage, and refusals. Two rules make shares of
that:

- day's quota: a tenant may have sent as much as is left, and for mail that has waited for hours, up to four times as much. Each
  of n busy tenants gets 1 / (n + 1) at once and 4 / (4n + 1) in the end, and a rest stays for further tenants.
- rate: a tenant halves its own when SES refuses, and raises it by the same amount per second as all others.

Source: Choudhury, Hahne, "Dynamic queue length thresholds for shared-memory packet switches" (1998); Chiu, Jain, "Analysis of the
increase and decrease algorithms for congestion avoidance" (1989); SES developer guide, "Managing your sending limits".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

__all__ = ["Go", "Pace", "Wait", "asking", "back_off", "not_read", "quota_read", "refused", "turn_of"]

_READ_SECONDS: Final = (10, 60)
"""Least and most age of SES's answer: SES takes one GetAccount a second from all tenants together."""
_UNSEEN_PART: Final = 20
"""Other tenants send at most this fraction of the day's quota before SES is asked again."""
_MOST_SHARE: Final = 4.0
_TRIES_A_SHARE: Final = 24
"""About three hours."""
_HOUR: Final = 3600
_DAY_HOURS: Final = 24
_UNLIMITED: Final = -1.0
_LINE_SECONDS: Final = 60
"""Length of the line of messages with a known turn: later, the rate may have changed."""
_LONGEST_WAIT: Final = 600
"""Less than the 15 minutes after which an alarm reports mail in the queue."""
_RISE_SECONDS: Final = 60
_LEAST_PART: Final = 100
_ONE_SLOWING_SECONDS: Final = 2
"""Concurrent requests are refused together: they count as one refusal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """A tenant's pace. Times are seconds since 1970; counts are of recipients, as in SES.

    Args:
        per_second: the account's rate.
        per_day: the account's quota for 24 hours; -1 for unlimited.
        taken: the account's usage in 24 hours: SES's last answer plus this tenant's later mail.
        ask: time of the next request to SES.
        own: this tenant's usage, by the hour.
        rate: its rate per second.
        touched: time of that rate.
        slowed: time of the last halving.
        free: time at which the line is empty.
        shut: end of the pause after the day's quota was used up.
    """

    per_second: float = 1.0
    per_day: float = _UNLIMITED
    taken: float = 0.0
    ask: float = 0.0
    own: Mapping[str, int] = field(default_factory=dict)
    rate: float = 1.0
    touched: float = 0.0
    slowed: float = 0.0
    free: float = 0.0
    shut: float = 0.0


@dataclass(frozen=True, slots=True)
class Go:
    """Send now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again later.

    Args:
        seconds: time to wait.
        slot: time of the turn; None where the message needs a new one.
    """

    seconds: float
    slot: float | None = None


def asking(pace: Pace, now: float, chance: Callable[[], float]) -> Pace | None:
    """The pace for a request of the quota now; None if the quota is known. Tenants spread their requests."""
    if now < pace.ask:
        return None
    least, most = _READ_SECONDS
    unseen = pace.per_day / pace.per_second / _UNSEEN_PART if pace.per_day != _UNLIMITED else most
    return replace(pace, ask=now + min(most, max(least, unseen)) * (1 + chance()) / 2)


def not_read(pace: Pace, now: float, chance: Callable[[], float]) -> Pace:
    """The pace after SES refused to tell the quota, because it was asked too often."""
    return replace(pace, ask=now + back_off(_READ_SECONDS[0], chance))


def quota_read(pace: Pace, *, per_second: float, per_day: float, sent: float) -> Pace:
    """The pace after SES told the quota."""
    # A tenant at full rate stays at full rate.
    rate = per_second if pace.rate >= pace.per_second else min(pace.rate, per_second)
    return replace(pace, per_second=per_second, per_day=per_day, taken=sent, rate=rate)


def turn_of(
    pace: Pace, now: float, count: int, *, slot: float | None, tries: int, chance: Callable[[], float]
) -> tuple[Pace, Go | Wait]:
    """Whether a message to `count` recipients may be sent now, and the pace then.

    Args:
        pace: the tenant's.
        now: the time.
        count: number of recipients.
        slot: time of its turn; None without one.
        tries: number of its waits.
        chance: evenly from 0 to 1.
    """
    known, pace = pace, _risen(pace, now)
    if now < pace.shut or not _within_day(pace, count, tries):
        return known, Wait(back_off(_LONGEST_WAIT, chance))
    if slot is not None:
        return (_counted(pace, now, count), Go()) if slot <= now else (known, Wait(slot - now, slot))
    start = max(now, pace.free)
    if start - now > _LINE_SECONDS:
        return known, Wait(back_off(_LINE_SECONDS * 2 ** min(tries, 4), chance))
    in_line = replace(pace, free=start + count / pace.rate)
    # SES counts by the second: order within one does not matter.
    if start - now <= max(0.0, 1 - count / pace.rate):
        return _counted(in_line, now, count), Go()
    return in_line, Wait(start - now + chance(), start)


def refused(
    pace: Pace, now: float, count: int, *, day: bool, tries: int, chance: Callable[[], float]
) -> tuple[Pace, Wait]:
    """The pace after SES refused a permitted message, and the time of its retry.

    Args:
        pace: the tenant's.
        now: the time.
        count: number of recipients.
        day: whether it was for the day's quota; else for the rate.
        tries: number of its waits.
        chance: evenly from 0 to 1.
    """
    pace = _counted(_risen(pace, now), now, -count)
    if day:
        wait = Wait(back_off(_LONGEST_WAIT, chance))
        return replace(pace, shut=now + wait.seconds), wait
    if now - pace.slowed >= _ONE_SLOWING_SECONDS:
        pace = replace(pace, slowed=now, rate=max(pace.rate / 2, pace.per_second / _LEAST_PART))
    start = max(now + chance() * count / pace.rate, pace.free)
    if start - now > _LINE_SECONDS:
        return pace, Wait(back_off(_LINE_SECONDS * 2 ** min(tries, 4), chance))
    return replace(pace, free=start + count / pace.rate), Wait(start - now + chance(), start)


def back_off(seconds: float, chance: Callable[[], float]) -> float:
    """Random time from half of `seconds` to all of it, ten minutes at most."""
    return min(seconds, _LONGEST_WAIT) * (1 + chance()) / 2


def _risen(pace: Pace, now: float) -> Pace:
    rate = min(pace.per_second, pace.rate + pace.per_second * max(0.0, now - pace.touched) / _RISE_SECONDS)
    first = int(now) // _HOUR - _DAY_HOURS
    own = {hour: count for hour, count in pace.own.items() if int(hour) >= first and count > 0}
    return replace(pace, rate=rate, touched=now, own=own)


def _within_day(pace: Pace, count: int, tries: int) -> bool:
    if pace.per_day == _UNLIMITED:
        return True
    left, own = pace.per_day - pace.taken - count, sum(pace.own.values())
    share = min(_MOST_SHARE, max(1.0, tries / _TRIES_A_SHARE))
    return left >= 0 and (own == 0 or own + count <= share * left)


def _counted(pace: Pace, now: float, count: int) -> Pace:
    hour = str(int(now) // _HOUR)
    own = {**pace.own, hour: max(0, pace.own.get(hour, 0) + count)}
    return replace(pace, own=own, taken=max(0.0, pace.taken + count))
