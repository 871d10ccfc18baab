"""The daily check: who has proven a domain must go on to prove it, and who set the token need not ask."""

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
"""What one check takes at most, and what writes it."""
_PLATFORM: Final = "platform"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a run did.

    Args:
        done: domains that were looked at.
        failed: those of which that failed.
        left: those for which there was no time.
    """

    done: int = 0
    failed: int = 0
    left: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyCheck:
    """Looks at the DNS of every domain of every organisation.

    Args:
        service: what looks, and writes what was seen.
    """

    service: Service

    def run(self, seconds_left: Callable[[], float]) -> Checked:
        """Look at those that were not looked at today, the longest unseen first, until time is up. Raises MailroomError.

        A domain of which no server has shown the token for 72 hours is suspended by that; one whose claim shows it is proven.
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
                # It is gone, or was added anew meanwhile.
                continue
            except (MailroomError, OSError) as error:
                logger.warning("tenant %s: daily check failed: %s", claim.tenant, type(error).__name__)
                failed += 1
        return Checked(done=done, failed=failed, left=left)
