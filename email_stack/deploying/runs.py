"""Deploys the wanted infrastructure of each domain: reads the present state, and takes the next step. A killed run goes on.

All state is in the table, the bucket and CloudFormation. Each step is idempotent.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol, Self

from constructs_lib.naming import CHANGE_SETS, tenant_stack_name
from email_stack.config.snapshots import REVISION_OUTPUT, Snapshot, snapshot_from, snapshot_text
from email_stack.deploying.judge import Judge, read_template
from email_stack.deploying.shelf import Shelf, snapshot_key, template_key
from email_stack.deploying.stacks import Phase, Stacks, State, changes_nothing, lost_by
from email_stack.deploying.synthesis import SynthesisError
from email_stack.settings.snapshots import snapshot_of
from mailroom.errors import MailroomError
from mailroom.events import DomainChanged
from mailroom.metric_names import FAILED_DEPLOYMENTS, REFUSED_TEMPLATES
from mailroom.settings.claims import Claim
from mailroom.settings.deployments import begun, done, due, failed, removed, waiting
from mailroom.settings.entries import desired
from mailroom.settings.operating import Operating
from mailroom.settings.store import Actor, Change
from mailroom.settings.store import State as Settings

__all__ = ["Made", "Runs", "Zones"]

logger = logging.getLogger(__name__)

_USER: Final = "platform"
_MOST_SAID: Final = 500
_AT_ONCE: Final = 1
"""SES takes one receipt-rule request a second, so that parallel runs would wait for each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """Results of a domain's deployment.

    Args:
        name_servers: of its zone; none where the owner keeps the records.
        zone: id of that zone, or "".
        records: needed DNS records, each as text.
    """

    name_servers: tuple[str, ...] = ()
    zone: str = ""
    records: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """Target of a run, which never changes: a snapshot, or None for a removal."""

    revision: int
    snapshot: Snapshot | None

    def text(self) -> bytes:
        """The text for the shelf."""
        if self.snapshot is None:
            return json.dumps({"removed": self.revision}).encode()
        return snapshot_text(self.snapshot).encode()

    @classmethod
    def of(cls, content: bytes, tenant: str) -> Self:
        """The target of a text by `text`."""
        said = json.loads(content)
        if "removed" in said:
            return cls(revision=said["removed"], snapshot=None)
        snapshot = snapshot_from(content, tenant)
        return cls(revision=snapshot.revision, snapshot=snapshot)


class Zones(Protocol):
    """Hosted zones that deleted stacks leave."""

    def led_to(self, claim: Claim) -> str:
        """Reason why DNS may still lead to the zone, as a clause about the domain; "" when it does not."""

    def delete(self, zone: str) -> None:
        """Delete a zone; a missing one is no failure. Raises MailroomError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """The deployment runs of one cell's domains.

    Args:
        operating: the table.
        shelf: the bucket of snapshots and templates.
        stacks: CloudFormation.
        synthesize: makes the template of a snapshot; raises SynthesisError.
        judge: of templates.
        release: name of the release that makes templates: letters, digits and hyphens.
        tags: of a tenant's stack.
        made: reads the results of a deployment. Raises MailroomError, AwsError.
        zones: that deleted stacks leave.
        tell: publishes an event. Default: no event.
        count: adds one to a metric. Default: no metric.
        at_once: runs at a time. Default: 1.
    """

    operating: Operating
    shelf: Shelf
    stacks: Stacks
    synthesize: Callable[[Snapshot], bytes] = field(repr=False)
    judge: Judge
    release: str
    tags: Callable[[Snapshot], Mapping[str, str]] = field(repr=False)
    made: Callable[[Snapshot, Mapping[str, str]], Made] = field(repr=False)
    zones: Zones
    tell: Callable[[DomainChanged], None] = field(default=lambda _: None, repr=False)
    count: Callable[[str], None] = field(default=lambda _: None, repr=False)
    at_once: int = _AT_ONCE

    def look(self) -> int:
        """Take the next step of each run under way, and begin due runs. Returns the number of runs with more work now.

        Raises:
            MailroomError: the table cannot be read. A failure of one domain stops no other.
        """
        # The list ends before new runs begin, so that these take one step in this look.
        left = sum([self._stepped(claim) for claim in list(self.operating.running())])
        for claim in self.operating.waiting():
            if left >= self.at_once:
                break
            left += self._stepped(claim)
        return left

    def _stepped(self, claim: Claim) -> bool:
        """Call `step`; a failure is logged, and the other domains go on."""
        try:
            return self.step(claim)
        except Exception as error:  # noqa: BLE001 - the alarm tells of it
            # The text of another error may hold a customer's input.
            said = error if isinstance(error, MailroomError) else type(error).__name__
            logger.warning("tenant %s: run failed: %s", claim.tenant, said)
            return True

    def step(self, claim: Claim) -> bool:
        """Take the next step for one domain. Returns whether there is more work now. Raises MailroomError, AwsError."""
        target = self._target(claim)
        if target is None:
            return False
        current, snapshot = replace(claim, running=target.revision), target.snapshot
        if snapshot is None:
            return self._remove(current)
        name = tenant_stack_name(claim.tenant)
        state = self.stacks.state(name)
        change = f"{CHANGE_SETS}{snapshot.revision}-t{claim.tries}-{self.release}"
        if state.phase is Phase.BUSY:
            return True
        why = self._broken(state, name, change)
        if why:
            return self._failed(current, why)
        if state.phase is not Phase.ABSENT and state.outputs.get(REVISION_OUTPUT) == str(snapshot.revision):
            return self._done(current, snapshot, state)
        return self._changed(current, snapshot, state, name, change)

    def _broken(self, state: State, name: str, change: str) -> str:
        """Reason of this change set's rollback, or why the stack takes no update; "" for neither. A failed creation is deleted."""
        if state.phase is Phase.ROLLED_BACK and state.change_set == change:
            return self.stacks.why(name)
        if state.phase is Phase.STUCK:
            return f"its stack needs the platform's operator: {self.stacks.why(name)}"[:_MOST_SAID]
        if state.phase is Phase.BROKEN:
            why = self.stacks.why(name)
            self.stacks.delete(name)
            return why
        return ""

    def _changed(self, claim: Claim, snapshot: Snapshot, state: State, name: str, change: str) -> bool:
        """The next step of a change set: propose, check, execute."""
        proposed = self.stacks.change_set(name, change)
        why = ""
        if proposed is None:
            key = template_key(claim.tenant, snapshot.revision, self.release)
            why = self._refused(snapshot, state, name, key)
            if not why:
                url, tags = self.shelf.url(key), self.tags(snapshot)
                self.stacks.propose(name, change, url, tags, new=state.phase is Phase.ABSENT)
        elif proposed.get("ExecutionStatus") == "EXECUTE_FAILED":
            why = self.stacks.why(name)
        elif proposed.get("Status") == "FAILED":
            self.stacks.discard(name, change)
            if changes_nothing(proposed) and state.phase is not Phase.ABSENT:
                return self._done(claim, snapshot, state)
            why = str(proposed.get("StatusReason", "the change set failed"))[:_MOST_SAID]
        elif proposed.get("ExecutionStatus") == "OBSOLETE":
            self.stacks.discard(name, change)
        elif proposed.get("ExecutionStatus") == "AVAILABLE":
            why = "; ".join(lost_by(proposed))[:_MOST_SAID]
            if why:
                self.stacks.discard(name, change)
            else:
                self.stacks.execute(name, change)
        return self._failed(claim, why) if why else True

    def _refused(self, snapshot: Snapshot, state: State, name: str, key: str) -> str:
        """Make the template, judge it and its changes; returns the faults, or "" where it may be deployed."""
        content = self.shelf.get(key)
        if content is None:
            try:
                content = self.synthesize(snapshot)
            except SynthesisError as error:
                return str(error)
            self.shelf.put_once(key, content)
            # The first template on the shelf counts, and is judged.
            content = self.shelf.get(key) or content
        try:
            template = read_template(content)
        except ValueError as error:
            return str(error)
        faults = self.judge.faults(template, snapshot)
        if not faults and state.phase is not Phase.ABSENT:
            faults = self.stacks.refusals(name, template)
        if faults:
            self.count(REFUSED_TEMPLATES)
            logger.error("tenant %s: template refused: %s faults", snapshot.tenant, len(faults))
        return f"refused: {'; '.join(faults[:3])}" if faults else ""

    def _target(self, claim: Claim) -> _Target | None:
        """The target of the run, which begins where none is under way. None where no deployment is wanted any more."""
        if claim.running and (known := self.shelf.get(snapshot_key(claim.tenant, claim.running))) is not None:
            return _Target.of(known, claim.tenant)

        def decide(state: Settings) -> Change[_Target | None]:
            found = state.claim(claim.domain)
            if found is None or found.token != claim.token or found.running != claim.running:
                return Change(result=None)
            # A run without a snapshot on the shelf has taken no step.
            idle = replace(found, running=0, run_at=None) if found.running else found
            wish = desired(begun(found, state.now), tuple(state.addresses()))
            if wish is None or not due(idle, state.now):
                return Change(result=None)
            target = _Target(revision=wish.revision, snapshot=None if wish.removed else snapshot_of(wish))
            return Change(result=target, operation="beginRun", before=[found], after=[begun(found, state.now)])

        target = self.operating.store.change(_actor(claim), decide)
        if target is not None:
            self.shelf.put_once(snapshot_key(claim.tenant, target.revision), target.text())
        return target

    def _done(self, claim: Claim, snapshot: Snapshot, state: State) -> bool:
        made = self.made(snapshot, state.outputs)

        def ended(found: Claim, now: datetime) -> Claim:
            return done(
                found,
                snapshot.revision,
                name_servers=made.name_servers,
                records=made.records,
                now=now,
                zone=made.zone,
            )

        after = self._write(claim, "endRun", ended)
        self._tell("deployed", claim)
        return after is not None and due(after, self.operating.store.clock())

    def _failed(self, claim: Claim, why: str) -> bool:
        self._write(claim, "failRun", lambda found, now: failed(found, claim.running, why, now))
        self.count(FAILED_DEPLOYMENTS)
        self._tell("failed", claim)
        return False

    def _remove(self, claim: Claim) -> bool:
        """Wait until no DNS leads to us, then delete the stack, then the zone; then the name rests."""
        name = tenant_stack_name(claim.tenant)
        state = self.stacks.state(name)
        if state.phase is Phase.BUSY:
            return True
        if claim.zone and (why := self.zones.led_to(claim)):
            # Waits become longer, and delay no other domain.
            self._write(claim, "waitToRemove", lambda found, now: waiting(found, f"{claim.domain} {why}"[:500], now))
            return False
        if state.phase is not Phase.ABSENT:
            self.stacks.delete(name)
            return True
        if claim.zone:
            self.zones.delete(claim.zone)
        store = self.operating.store

        def decide(now: Settings) -> Change[str]:
            found = now.claim(claim.domain)
            if found is None or found.token != claim.token:
                return Change(result="")
            held = now.held(found.registered)
            after, left = removed(found, held, now.now)
            if after is not None:
                return Change(result="")
            return Change(
                result=found.token,
                operation="removeDomain",
                before=[found],
                after=[],
                held=left if left is not held else None,
            )

        token = store.change(_actor(claim), decide)
        if token:
            store.forget_addresses(claim.organization, token)
            self._tell("removed", claim)
        return False

    def _write(self, claim: Claim, operation: str, ended: Callable[[Claim, datetime], Claim]) -> Claim | None:
        """Write the result of a run to its own claim. Returns the claim after it; None where the claim is gone."""

        def decide(state: Settings) -> Change[Claim | None]:
            found = state.claim(claim.domain)
            if found is None or found.token != claim.token:
                return Change(result=None)
            after = ended(found, state.now)
            if after == found:
                return Change(result=found)
            return Change(result=after, operation=operation, before=[found], after=[after])

        return self.operating.store.change(_actor(claim), decide)

    def _tell(self, change: str, claim: Claim) -> None:
        event = DomainChanged(
            tenant=claim.tenant,
            organization=claim.organization,
            change=change,
            revision=claim.running,
            at=self.operating.store.clock(),
        )
        logger.info("tenant %s: %s, revision %s", claim.tenant, change, claim.running)
        try:
            self.tell(event)
        except MailroomError as error:
            # The table has the change.
            logger.warning("tenant %s: event not told: %s", claim.tenant, type(error).__name__)


def _actor(claim: Claim) -> Actor:
    return Actor(organization=claim.organization, user=_USER)
