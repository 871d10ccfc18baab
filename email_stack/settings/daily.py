"""The daily check: a domain needs a lasting proof, and a claim is proven without a request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from email_stack.settings.service import Service
from mailroom.errors import MailroomError
from mailroom.settings.operating import Operating
from mailroom.settings.refusals import RefusedError
from mailroom.settings.store import Actor

__all__ = ["Checked", "DailyCheck"]

logger = logging.getLogger(__name__)

_ENOUGH_SECONDS: Final = 30.0
"""Longest time of one check and its write."""
_PLATFORM: Final = "platform"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """Result of a run.

    Args:
        done: checked domains.
        failed: domains whose check failed.
        left: domains without a check for lack of time.
    """

    done: int = 0
    failed: int = 0
    left: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyCheck:
    """Checks the DNS of every domain of every organisation.

    Args:
        service: checks a domain and writes the result.
    """

    service: Service

    def run(self, seconds_left: Callable[[], float]) -> Checked:
        """Check the domains whose daily check is due, the longest unchecked first, until time is up. Raises MailroomError.

        A domain without the token at any server for 72 hours is suspended; a claim with the token at every server is proven.
        """
        done = failed = left = 0
        for claim in list(Operating(store=self.service.store).unchecked()):
            if seconds_left() < _ENOUGH_SECONDS:
                left += 1
                continue
            done += 1
            try:
                self.service.check(Actor(organization=claim.organization, user=_PLATFORM), claim)
            except RefusedError:
                # The claim is gone, or was added anew meanwhile.
                continue
            except (MailroomError, OSError) as error:
                logger.warning("tenant %s: daily check failed: %s", claim.tenant, type(error).__name__)
                failed += 1
        return Checked(done=done, failed=failed, left=left)
