"""Lambda entries: synthesis, which has two permissions; looks, which deploy; and the daily check."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from constructs_lib.naming import tenant_stack_name
from email_stack.config.document import read
from email_stack.config.snapshots import Snapshot, snapshot_from
from email_stack.deploying.judge import Judge
from email_stack.deploying.loop import Turns
from email_stack.deploying.making import HostedZones, Making
from email_stack.deploying.runs import Runs
from email_stack.deploying.shelf import Shelf, snapshot_key, template_key
from email_stack.deploying.stacks import Stacks
from email_stack.deploying.synthesis import Platform, Synthesis, SynthesisError
from email_stack.dnscheck.check import system_resolvers
from email_stack.settings.daily import DailyCheck
from email_stack.settings.ownership import OwnershipCheck
from email_stack.settings.records import RecordsCheck
from email_stack.settings.service import Service
from mailroom.errors import RetryableError
from mailroom.events import EventPublisher
from mailroom.faults import fault
from mailroom.metric_names import OLDEST_RUN, SETTINGS
from mailroom.metrics import Metrics
from mailroom.settings.operating import Operating
from mailroom.settings.running import Running
from mailroom.settings.store import SettingsStore
from mailroom.store.run_time import RunTime, Signature, run_time_as_json
from mailroom.store.table import Table

__all__ = ["on_check", "on_look", "on_synthesis"]

logger = logging.getLogger("mailroom")
logger.setLevel(logging.INFO)

_PAUSE_SECONDS: Final = 5.0
_ENOUGH_SECONDS: Final = 400.0
"""Longest time of one look: a synthesis and the steps after it."""
_HELD_SECONDS: Final = _ENOUGH_SECONDS
"""Time without looks after a look was killed."""
_PLATFORM: Final = "PLATFORM_CONFIG"


class _Context(Protocol):
    """Lambda's context of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


def on_synthesis(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Make the template of one snapshot; the function's role may only read snapshots and write templates.

    The answer has `failed`, "" where the template is written. A fault of the snapshot is an answer, and no error.
    """
    tenant, revision = str(event["tenant"]), int(event["revision"])
    shelf = _shelf()
    content = shelf.get(snapshot_key(tenant, revision))
    if content is None:
        raise ValueError("event: must name a revision with a snapshot")
    try:
        template = Synthesis(platform=_platform())(snapshot_from(content, tenant))
    except SynthesisError as error:
        return {"failed": str(error)}
    shelf.put_once(template_key(tenant, revision, os.environ["RELEASE"]), template)
    return {"failed": ""}


def on_look(_event: dict[str, Any], context: _Context) -> dict[str, int]:
    """Look until no work is left, or time is up; the next look goes on. A look does nothing while another one runs.

    Raises:
        MailroomError: a step failed. The next look repeats it, and an alarm reports it.
    """
    turns, meter = _turns()
    operating, holder, left = turns.runs.operating, context.aws_request_id, 0
    try:
        while operating.hold(holder, _HELD_SECONDS):
            left = turns.turn()
            if not left or context.get_remaining_time_in_millis() / 1000 < _ENOUGH_SECONDS:
                break
            time.sleep(_PAUSE_SECONDS)
    finally:
        operating.let_go(holder)
        meter.seconds(OLDEST_RUN, operating.oldest())
        meter.flush()
    return {"left": left}


def on_check(_event: dict[str, Any], context: _Context) -> dict[str, int]:
    """The daily check. Raises RetryableError where some domains were not checked: the alarm reports it."""
    checked = DailyCheck(service=_service()).run(lambda: context.get_remaining_time_in_millis() / 1000)
    logger.info("daily check: %s done, %s failed, %s left", checked.done, checked.failed, checked.left)
    if checked.failed or checked.left:
        raise RetryableError(f"daily check: {checked.failed} failed, {checked.left} left; the next run goes on")
    return {"done": checked.done}


@cache
def _turns() -> tuple[Turns, Metrics]:
    environment = os.environ
    session = boto3.Session()
    platform, store, shelf = _platform(), _store(), _shelf()
    making = Making(ses=session.client("sesv2"), platform=platform)
    release, meter = environment["RELEASE"], Metrics(SETTINGS, store.table.name)
    # Synthesis takes longer than a client waits by default, and a retry of the call would run it twice.
    patient = ClientConfig(read_timeout=330, retries={"total_max_attempts": 1})
    functions = session.client("lambda", config=patient)

    def called(name: str, event: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
            said: Any = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            raise fault(error, action="lambda:InvokeFunction", resource=name) from error
        if answer.get("FunctionError") or not isinstance(said, dict):
            raise RetryableError(f"function {name}: failed; see its log")
        return said

    def synthesize(snapshot: Snapshot) -> bytes:
        event = {"tenant": snapshot.tenant, "revision": snapshot.revision}
        failed = called(environment["SYNTHESIS_FUNCTION"], event)["failed"]
        if failed:
            raise SynthesisError(failed)
        template = shelf.get(template_key(snapshot.tenant, snapshot.revision, release))
        if template is None:
            raise RetryableError(f"tenant {snapshot.tenant}: template is not there yet; try again")
        return template

    def put(tenant: str, run_time: RunTime, signatures: Sequence[Signature]) -> bool:
        said = {
            "stack": tenant_stack_name(tenant),
            "tenant": tenant,
            "now": run_time_as_json(run_time),
            "signatures": [[one.text, one.html] for one in signatures],
        }
        return bool(called(environment["BOOKS_FUNCTION"], {"run_time": said})["held"])

    runs = Runs(
        operating=Operating(store=store),
        shelf=shelf,
        stacks=Stacks(cloudformation=session.client("cloudformation"), role_arn=environment["EXECUTION_ROLE_ARN"]),
        synthesize=synthesize,
        judge=Judge(cell=platform.cell, assets=frozenset(environment["ASSETS"].split()), bounded=True),
        release=release,
        tags=making.tags,
        made=making,
        zones=HostedZones(route53=session.client("route53"), resolvers=system_resolvers()),
        tell=EventPublisher(events=session.client("events")).publish,
        count=meter.count,
    )
    return Turns(runs=runs, running=Running(store=store, put=put)), meter


@cache
def _service() -> Service:
    resolvers = system_resolvers()
    return Service(
        store=_store(),
        look=OwnershipCheck(resolvers=resolvers),
        look_at_records=RecordsCheck(resolvers=resolvers),
        tell=EventPublisher(events=boto3.client("events")).publish,
    )


def _store() -> SettingsStore:
    return SettingsStore(table=Table(client=boto3.client("dynamodb"), name=os.environ["SETTINGS_TABLE"]))


def _shelf() -> Shelf:
    return Shelf(s3=boto3.client("s3"), bucket=os.environ["SHELF_BUCKET"])


def _platform() -> Platform:
    path = Path(os.environ[_PLATFORM])
    return Platform(document=read(path, path.name), cell=os.environ["CELL"])
