"""Years pass: nothing is readable for longer than promised, nothing ends earlier, no thread splits, and nothing is left over.

A model that knows nothing of tables says when each message ends, and which must share a thread.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailroom.errors import RetryableError
from mailroom.lifetimes import readable_for
from mailroom.messages import parse
from mailroom.store import InboundMessage, MessageReader, MessageWriter, Objects, Table
from mailroom.store.retention import begin_pass, pass_of, take_pages
from tests.mailroom.memory_s3 import MemoryBucket
from tests.mailroom.store.conftest import START, everything
from tests.mailroom.store.memory import MemoryTable, failure
from tests.untraced import unwatched

NAMES = [f"m{number}" for number in range(12)]
RETENTIONS = st.sampled_from([None, 2, 8, 30, 90])


@dataclass
class Known:
    """A message as the model knows it.

    Args:
        raw: the mail.
        digest: its name.
        named: identifiers that it has or answers.
        kept: its latest filing.
        surely: it can be read until then; None for ever.
        at_most: it cannot be read from then on; None for never.
        deliveries: number of its deliveries.
    """

    raw: bytes
    digest: str
    named: frozenset[str]
    kept: datetime
    surely: datetime | None
    at_most: datetime | None
    deliveries: int = 1


def soonest(*moments: datetime | None) -> datetime | None:
    """The earliest of them; None is never."""
    return min((one for one in moments if one is not None), default=None)


class InterruptedPassError(Exception):
    """The operator's computer is shut down."""


class Years(RuleBasedStateMachine):
    """One tenant's store over simulated years, beside the model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.days: int | None = None
        self.messages: dict[str, Known] = {}
        self.ever: dict[str, set[str]] = {}
        self.client = MemoryTable()
        self.s3 = MemoryBucket(clock=lambda: self.now)
        dynamodb: Any = self.client
        s3: Any = self.s3
        self.table = Table(client=dynamodb, name="messages")
        self.objects = Objects(client=s3, bucket="mail")
        self.reader = MessageReader(table=self.table, objects=self.objects, clock=lambda: self.now.timestamp())  # noqa: PLW0108 - the time goes on
        self.random = random.Random(0)

    @property
    def retention(self) -> timedelta | None:
        """The deployed function's retention."""
        return readable_for(timedelta(days=self.days)) if self.days is not None else None

    @initialize(days=RETENTIONS, seed=st.integers(0, 2**32))
    def deploy(self, days: int | None, seed: int) -> None:
        """The tenant is deployed for the first time."""
        self.days = days
        self.random = random.Random(seed)

    @rule(
        name=st.sampled_from(NAMES),
        answers=st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
        late=st.sampled_from([0, 0, 0, 1, 20, 100]),
        big=st.booleans(),
        broken=st.tuples(st.integers(0, 14), st.booleans()),
    )
    def comes(self, name: str, answers: list[str], late: int, big: bool, broken: tuple[int, bool]) -> None:
        """A message comes, perhaps out of quarantine long after its receipt; a name that is taken comes as it was.

        Its worker may break off before or after a call; the queue brings the message again.
        """
        self.now += timedelta(seconds=61)
        if name in self.messages:
            raw = self.messages[name].raw
        else:
            raw = self._mail(name, [one for one in answers if one != name], big=big)
        self._file(name, raw, received=self.now - timedelta(days=late), again=False, broken=broken)

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def is_redriven(self, data: st.DataObject) -> None:
        """A queue brings a delivery again, perhaps long afterwards."""
        name = data.draw(st.sampled_from(sorted(self.messages)))
        self._file(name, self.messages[name].raw, received=self.messages[name].kept, again=True)

    @rule(hours=st.sampled_from([1, 20, 47, 24 * 6, 24 * 29, 24 * 61, 24 * 200]))
    def time_passes(self, hours: int) -> None:
        """Some time passes, and nobody deletes anything; a pass to a longer retention is over before what it is for ends."""
        later = self.now + timedelta(hours=hours, minutes=1)
        if any(one.surely != one.at_most and (one.surely or later) <= later for one in self._alive()):
            self._pass(100)
        self.now += timedelta(hours=hours, minutes=1)

    @rule(lag=st.sampled_from([0, 1, 4]), share=st.sampled_from([0.3, 1.0]))
    def time_to_live_comes(self, lag: int, share: float) -> None:
        """DynamoDB deletes what has expired: item by item, and days late."""
        limit = (self.now - timedelta(days=lag)).timestamp()
        for key, item in sorted(self.client.items.items()):
            if "expires" in item and int(item["expires"]["N"]) < limit and self.random.random() < share:
                self.client.drop(key)

    @precondition(lambda self: self.days is not None)
    @rule()
    def lifecycle_comes(self) -> None:
        """S3 takes what is old enough, by the rule that is deployed, at midnight UTC."""
        life = self.retention
        assert life is not None
        midnight = self.now.replace(hour=0, minute=0)
        for key, found in self.s3.objects.items():
            if found.written + life <= midnight:
                self.s3.delete_object(Key=key)

    @precondition(lambda self: pass_of(self.table) is None or pass_of(self.table).done)  # type: ignore[union-attr]
    @rule(days=RETENTIONS, pages=st.integers(0, 3))
    def retention_is_changed(self, days: int | None, pages: int) -> None:
        """Another retention is deployed, and an operator begins its pass."""
        self.days = days
        retention = timedelta(days=days) if days is not None else None
        begin_pass(self.table, retention, self.now)
        for known in self._alive():
            changed = known.kept + self.retention if self.retention is not None else None
            known.surely = soonest(known.surely, changed)
            known.at_most = changed
        self._pass(pages)

    @precondition(lambda self: pass_of(self.table) is not None and not pass_of(self.table).done)  # type: ignore[union-attr]
    @rule(pages=st.sampled_from([1, 2, 100, 100]))
    def pass_goes_on(self, pages: int) -> None:
        """The operator asks again."""
        self._pass(pages)

    @invariant()
    def is_as_promised(self) -> None:
        """Each message can be read in every way until its end, and in none afterwards; threads are whole, and show what lives."""
        readable = {name for name, known in self.messages.items() if self._is_readable(name, known)}
        listed = everything(self.reader.threads)
        assert len({one.thread for one in listed}) == len(listed)
        of: dict[str, str] = {}
        for thread in listed:
            members = everything(self.reader.thread, thread.thread)
            assert members, "an empty thread is listed"
            assert thread.subject == members[0].subject
            assert thread.first == members[0].at
            assert set(thread.participants) == {one.from_[0].address for one in members}
            of |= {one.message_id.partition("@")[0]: thread.thread for one in members}
        assert set(of) == readable
        self._check_threads(of)

    def teardown(self) -> None:
        """In the end nothing is left, of whatever retention it was."""
        self._pass(100)
        if self.days is None:
            self.days = 8
            begin_pass(self.table, timedelta(days=8), self.now)
            self._pass(100)
        self.now += timedelta(days=200)
        self.time_to_live_comes(0, 1.0)
        self.lifecycle_comes()
        assert {key[0] for key in self.client.items} <= {"RETENTION"}
        assert not self.s3.objects

    def _mail(self, name: str, answers: list[str], *, big: bool) -> bytes:
        noise = " ".join(f"{self.random.getrandbits(64):x}" for _ in range(900)) if big else "short"
        lines = [
            f"From: {name} <{name}@people.example>",
            "To: support@post.acme.example",
            f"Subject: About {name}",
            f"Date: {self.now:%a, %d %b %Y %H:%M:%S +0000}",
            f"Message-ID: <{name}@example.net>",
        ]
        if answers:
            lines.append(f"References: {' '.join(f'<{one}@example.net>' for one in answers)}")
        self.ever.setdefault(name, set()).update([name, *answers])
        return ("\r\n".join(lines) + f"\r\n\r\n{noise}\r\n").encode()

    def _file(
        self, name: str, raw: bytes, *, received: datetime, again: bool, broken: tuple[int, bool] = (0, False)
    ) -> None:
        known = self.messages.get(name)
        lives = known is not None and self._is_readable(name, known)
        number = known.deliveries + (not again) if known is not None else 1
        message = parse(raw)
        writer = MessageWriter(table=self.table, objects=self.objects, retention=self.retention, clock=lambda: self.now)
        arrived = InboundMessage(
            message=message,
            source=f"clean/{name}-{number}",
            ses_id=f"{name}-{number}",
            received=received,
            size=len(raw),
        )
        self._break_off(writer, arrived, *broken)
        filed = writer.file(arrived)
        assert filed.first is not lives or (again and lives)
        end = self.now + self.retention if self.retention is not None else None
        if known is None or not lives:
            named = frozenset([name, *(one.partition("@")[0] for one in message.references)])
            self.messages[name] = Known(raw, message.digest, named, self.now, end, end, number)
            return
        known.deliveries = number
        near = self.retention is None and known.at_most is None and known.surely is None
        if again or (near and self.now <= known.kept + timedelta(days=1)):
            return
        known.kept = self.now
        known.surely = max(known.surely, end) if known.surely is not None and end is not None else None
        known.at_most = max(known.at_most, end) if known.at_most is not None and end is not None else None

    def _break_off(self, writer: MessageWriter, arrived: InboundMessage, at: int, after: bool) -> None:
        """A worker that comes to a call and no further."""
        if not at:
            return
        left = [at]

        def hook(name: str, _request: object, when: str) -> None:
            left[0] -= when == "before"
            if left[0] <= 0 and (when == "after" or not after):
                raise failure("InternalServerError", name)

        self.client.hook = hook
        with contextlib.suppress(RetryableError):
            writer.file(arrived)
        self.client.hook = None

    def _alive(self) -> list[Known]:
        return [known for known in self.messages.values() if known.at_most is None or known.at_most > self.now]

    def _is_readable(self, name: str, known: Known) -> bool:
        found = self.reader.message(known.digest)
        there = found is not None
        if known.surely is None or self.now < known.surely:
            assert there, f"{name} ended early"
        if known.at_most is not None and self.now >= known.at_most:
            assert not there, f"{name} outlived its end"
        assert (known.digest in self.reader.by_message_id(f"{name}@example.net")) is there
        found_by = everything(self.reader.by_address, f"{name}@people.example")
        assert [one.digest for one in found_by] == [known.digest] * there
        return there

    def _pass(self, pages: int) -> None:
        begun = pass_of(self.table)
        if begun is None or begun.done or not pages:
            return
        left = [pages]

        def told(_: object) -> None:
            left[0] -= 1
            if not left[0]:
                raise InterruptedPassError

        with mock.patch("mailroom.store.retention._PAGE", 7), contextlib.suppress(InterruptedPassError):
            take_pages(self.table, begun, lambda: self.now, told)
        begun = pass_of(self.table)
        assert begun is not None
        if not begun.done:
            return
        for known in self.messages.values():
            # What had ended before the pass reached it stays ended.
            known.surely = known.at_most = known.at_most if self.reader.message(known.digest) is not None else self.now

    def _check_threads(self, of: dict[str, str]) -> None:
        for one, thread in of.items():
            for other, same in of.items():
                if self.messages[one].named & self.messages[other].named:
                    assert thread == same, f"{one} and {other} were split"
        groups: list[set[str]] = []
        for named in self.ever.values():
            touched = [group for group in groups if group & named]
            groups = [group for group in groups if not group & named] + [named.union(*touched)]
        for one, thread in of.items():
            for other, same in of.items():
                if thread == same:
                    assert any({one, other} <= group for group in groups), f"{one} and {other} have nothing in common"


def _search(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Years,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_copy_beside_a_pass_to_no_limit() -> None:
    """A copy that comes within a day, while a pass has reached the message and not all that it is found by, lengthens all."""
    years = Years()
    years.deploy(days=2, seed=0)
    years.comes(name="m0", answers=["m1"], late=0, big=False, broken=(0, False))
    years.retention_is_changed(days=None, pages=1)
    assert not pass_of(years.table).done  # type: ignore[union-attr]
    years.comes(name="m0", answers=["m1"], late=0, big=False, broken=(0, False))
    years.time_passes(hours=47)
    years.is_as_promised()


@pytest.mark.slow
def test_years_pass() -> None:
    """Late time to live, late lifecycle, changed retention, mail that is released, copied and redriven late: all as promised."""
    with unwatched():
        _search(100, 25)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_many_years_pass() -> None:
    """The same, searched for longer."""
    _search(3000, 50)
