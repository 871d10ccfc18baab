"""Nothing harmless is held."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mailroom.scanning.clamd import Clamd
from mailroom.scanning.delivery import decide
from mailroom.scanning.scan import scan_message
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.scanning.containers.harmless import harmless
from tests.mailroom.scanning.containers.test_hiding_places import NOW
from tests.mailroom.scanning.hiding import encoded, mixed

pytestmark = pytest.mark.slow


def test_no_false_alarm(engine: Clamd) -> None:
    """Of 300 attachments and more as people send them, none is held, stripped or flagged: each message is delivered as it came."""
    attachments = list(harmless())

    def held(attachment: tuple[str, bytes]) -> str:
        name, content = attachment
        raw = mixed(encoded(content, name))
        result = scan_message(raw, engine)
        outcome = decide(raw, result, Policy(), rescan=lambda left: scan_message(left, engine), now=NOW)
        delivered = outcome.action is Action.DELIVER and outcome.message == raw and not outcome.risks
        return "" if delivered else f"{name}: {[(part.path, part.signature) for part in result.found]}"

    with ThreadPoolExecutor(max_workers=3) as pool:
        wrong = [one for one in pool.map(held, attachments) if one]
    print(f"{len(attachments)} harmless attachments, {len(wrong)} held")
    assert len(attachments) >= 300
    assert wrong == []
