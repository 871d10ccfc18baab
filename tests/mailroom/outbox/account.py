"""An SES account, the queues of its tenants and their workers, on a clock of their own; each run is the same.

The work is that of `Sending` and `Pacer`; what they call is in memory: DynamoDB's two calls that they make, SES's two, S3's one.
A worker can be killed before and after each call.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

from mailroom.errors import MailroomError
from mailroom.layout import APPROVED_PREFIX
from mailroom.messages import Address
from mailroom.notifications import StoredObject
from mailroom.outbox import OutboxState, Outgoing, Progress
from mailroom.outbox.again import Again
from mailroom.outbox.compose import compose
from mailroom.outbox.requests import Request, begin_request, request_of
from mailroom.outbox.sending import Sending
from mailroom.store import Table, WriteResult
from mailroom.store.keys import PARTITION, SORT
from tests.untraced import unwatched

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = 86_400
WORKERS = 5
CALL_SECONDS = 0.4
RECEIVES = 5
WATCHED = 1500
"""Tries that coverage watches."""
AWAKE = ""
"""In the place of a message: a worker is free again."""


class Killed(BaseException):
    """A worker's process ended here."""


def error(code: str, text: str, status: int) -> ClientError:
    """As boto3 raises it."""
    answer: Any = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "SendEmail")


@dataclass
class Account:
    """SES: takes so many a second and so many within 24 hours, of all tenants together.

    As long as something is left of a second's, a message is taken whole, and what it takes too much is missing afterwards.
    """

    per_second: float
    per_day: float
    now: Callable[[], float]
    left: float = 0.0
    since: float = 0.0
    asked: float = -1.0
    last_day: deque[float] = field(default_factory=deque)
    sent: list[tuple[float, str, str]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def send_email(self, **request: Any) -> dict[str, str]:
        """As the client's method."""
        now = self.now()
        self.left = min(max(1.0, self.per_second), self.left + self.per_second * (now - self.since))
        self.since = now
        if len(self._counted()) >= self.per_day:
            self.refusals["day"] += 1
            raise error("LimitExceededException", "Daily message quota exceeded.", 400)
        if self.left < 1:
            self.refusals["rate"] += 1
            raise error("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        self.left -= 1
        self.last_day.append(now)
        subject = request["Content"]["Raw"]["Data"].partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
        self.sent.append((now, request["TenantName"], subject))
        return {"MessageId": f"0107-{len(self.sent)}"}

    def get_account(self) -> dict[str, Any]:
        """As the client's method: once a second, whoever asks."""
        now = self.now()
        if now - self.asked < 1:
            raise error("TooManyRequestsException", "Rate exceeded", 429)
        self.asked = now
        sent = float(len(self._counted()))
        return {
            "SendQuota": {"MaxSendRate": self.per_second, "Max24HourSend": float(self.per_day), "SentLast24Hours": sent}
        }

    def _counted(self) -> deque[float]:
        while self.last_day and self.last_day[0] <= self.now() - DAY:
            self.last_day.popleft()
        return self.last_day


class Dynamo:
    """One table: reads and transactions of one write, with the conditions that the outbox makes."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}

    def get_item(self, **request: Any) -> dict[str, Any]:
        """As the client's method."""
        found = self.items.get(_key(request["Key"]))
        return {"Item": dict(found)} if found is not None else {}

    def put_item(self, **request: Any) -> None:
        """As the client's method."""
        self._write("Put", request)

    def update_item(self, **request: Any) -> None:
        """As the client's method."""
        self._write("Update", request)

    def _write(self, kind: str, write: dict[str, Any]) -> None:
        values, names = write.get("ExpressionAttributeValues", {}), write.get("ExpressionAttributeNames", {})
        key = _key(write.get("Item") or write["Key"])
        there = self.items.get(key)
        condition = write["ConditionExpression"]
        if condition.startswith("attribute_not_exists"):
            holds = there is None
        else:
            name, value = condition.split(" = ")
            holds = there is not None and there.get(names[name]) == values[value]
        if not holds:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, kind)
        if kind == "Put":
            self.items[key] = dict(write["Item"])
            return
        changes = write["UpdateExpression"].removeprefix("SET ").split(", ")
        pairs = (change.split(" = ") for change in changes)
        self.items[key] = {**(there or {}), **{names[name]: values[value] for name, value in pairs}}


class Files:
    """A bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        """As the client's method."""
        return {"Body": BytesIO(self.objects[request["Key"]]), "Metadata": {}}


class Mortal:
    """A client whose caller may be killed before or after each call."""

    def __init__(self, client: Any, world: World) -> None:
        self._client, self._world = client, world

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._world.may_die(name)
            answer = method(*arguments, **named)
            self._world.may_die(name)
            return answer

        return call


class Unfiled(Sending):
    """Sends, and files nothing: the store has tests of its own."""

    def _file(self, table: Table, item: StoredObject, raw: bytes, request: Request) -> WriteResult:
        return WriteResult(digest="", thread="", new=True, first=True, published=True)


@dataclass
class Tenant:
    """A tenant's table, bucket and queue."""

    name: str
    dynamo: Dynamo = field(default_factory=Dynamo)
    files: Files = field(default_factory=Files)
    busy: list[float] = field(default_factory=lambda: [0.0] * WORKERS)
    waiting: deque[tuple[str, int]] = field(default_factory=deque)
    asked: dict[str, float] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """The table."""
        return Table(client=self.dynamo, name=self.name)  # type: ignore[arg-type]


@dataclass
class World:
    """Everything on one clock."""

    per_second: float
    per_day: float
    seed: int = 1
    dies: float = 0.0
    visibility: float = 180.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.time = START.timestamp()
        self.ses = Account(self.per_second, self.per_day, lambda: self.time)
        self.tenants: dict[str, Tenant] = {}
        self.events: list[tuple[float, int, str, str, int]] = []
        self.numbers = itertools.count()
        self.dead: list[tuple[str, str]] = []
        self.killed: Counter[str] = Counter()
        self.takes = 0

    def may_die(self, call: str) -> None:
        """Kill the worker, now and then."""
        if self.dies and self.random.random() < self.dies:
            self.killed[call] += 1
            raise Killed

    def ask(self, tenant: str, number: int, *, at: float = 0, deadline: timedelta | None = None) -> str:
        """Have a message sent, as the outbox and the scanner do; returns its id."""
        of = self.tenants.setdefault(tenant, Tenant(tenant))
        name = _id(tenant, number)
        when = START + timedelta(seconds=at)
        message = Outgoing(
            sender=Address("support@post.acme.example"), to=(Address("anna@example.net"),), subject=f"{tenant}-{number}"
        )
        raw = compose(message, id=name, at=when)
        begun = Request(
            progress=Progress(id=name, state=OutboxState.QUEUED, at=when),
            asked=when,
            fingerprint="",
            sha256=hashlib.sha256(raw).hexdigest(),
            deadline=when + deadline if deadline is not None else None,
        )
        assert begin_request(of.table, begun)
        of.files.objects[f"{APPROVED_PREFIX}{name}"] = raw
        of.asked[f"{tenant}-{number}"] = when.timestamp()
        self._push(when.timestamp(), tenant, f"{APPROVED_PREFIX}{name}", 0)
        return name

    def run(self) -> None:
        """Until every queue is empty."""
        while self.events and self.takes < WATCHED:
            self._step()
        with unwatched():
            while self.events:
                self._step()

    def _step(self) -> None:
        at, _, tenant, body, receives = heapq.heappop(self.events)
        self.time = max(self.time, at)
        of = self.tenants[tenant]
        if body != AWAKE:
            of.waiting.append((body, receives))
            if len(of.waiting) > 1:
                return
        while of.waiting:
            free = min(range(WORKERS), key=of.busy.__getitem__)
            if of.busy[free] > self.time:
                self._push(of.busy[free], tenant, AWAKE, 0)
                break
            self._take(of, free, *of.waiting.popleft())

    def _take(self, of: Tenant, worker: int, body: str, receives: int) -> None:
        if receives == RECEIVES:
            self.dead.append((of.name, body))
            return
        of.busy[worker] = self.time + CALL_SECONDS
        if not self._done(of, body):
            self._push(self.time + self.visibility, of.name, body, receives + 1)

    def progress(self) -> dict[str, Progress]:
        """Progress of each, by subject."""
        found = {}
        for tenant in self.tenants.values():
            for subject in tenant.asked:
                number = int(subject.rpartition("-")[2])
                request = request_of(tenant.table, _id(tenant.name, number))
                assert request is not None
                found[subject] = request.progress
        return found

    def waits(self, tenant: str) -> list[float]:
        """Waiting times of sent messages in seconds, in the order of their sending."""
        asked = self.tenants[tenant].asked
        return [at - asked[subject] for at, name, subject in self.ses.sent if name == tenant]

    def _push(self, at: float, tenant: str, body: str, receives: int) -> None:
        heapq.heappush(self.events, (at, next(self.numbers), tenant, body, receives))

    def _done(self, of: Tenant, body: str) -> bool:
        self.takes += 1

        def put_back(again: Again, seconds: int) -> None:
            assert 1 <= seconds <= 900
            self._push(self.time + seconds, of.name, again.to_json(), 0)

        worker = Unfiled(
            s3=Mortal(of.files, self),  # type: ignore[arg-type]
            ses=Mortal(self.ses, self),  # type: ignore[arg-type]
            dynamodb=Mortal(of.dynamo, self),  # type: ignore[arg-type]
            clock=lambda: datetime.fromtimestamp(self.time, UTC),
            tenant=of.name,
            table=of.name,
            configuration_set="set",
            region="eu-central-1",
            retention=None,
            join_by=frozenset(),
            put_back=Mortal(_Queue(put_back), self).put_back,
            chance=self.random.random,
        )
        again = Again.of(body)
        try:
            worker.take(again.item if again else StoredObject("bucket", body, "v1"), again)
        except (MailroomError, Killed):
            return False
        # Killed before the message at hand was deleted.
        return not (self.dies and self.random.random() < self.dies)


@dataclass
class _Queue:
    put_back: Callable[[Again, int], None]


def _key(item: Any) -> tuple[str, str]:
    return item[PARTITION]["S"], item[SORT]["S"]


def _id(tenant: str, number: int) -> str:
    return hashlib.sha256(f"{tenant} {number}".encode()).hexdigest()[:40]
