"""Records, deliveries and alerts of the scanner for active content."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import pytest

from mailroom.events import MessageDiscarded, MessageHeld, MessageReleased
from mailroom.events.form import schema_of
from mailroom.scanning.active.risks import STRICT, ActiveContent, Reaction, Risk
from mailroom.scanning.intake import Outcome
from mailroom.scanning.records import read_record
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.scanning.active.samples import ACTIVE
from tests.mailroom.scanning.conftest import Quarantine
from tests.mailroom.scanning.hiding import encoded, mixed

MACROS = mixed(encoded(ACTIVE["VBA in an old document"][0], "plan.doc"))
PROGRAM = mixed(encoded(b"WScript.Echo 1", "plan.vbs"), encoded(ACTIVE["launch"][0], "form.pdf"))


def metadata(quarantine: Quarantine, message_id: str) -> dict[str, str]:
    """Metadata of a delivered message."""
    found: dict[str, str] = quarantine.s3.head_object(Bucket=quarantine.bucket, Key=f"clean/{message_id}")["Metadata"]
    return found


def test_flagged_message_says_so(quarantine: Quarantine) -> None:
    """It is delivered as it came, with a word for whoever makes an entity of it; its record names the part."""
    item = quarantine.put(MACROS)
    assert quarantine.intake.take(item) is Outcome.DELIVERED
    assert quarantine.clean(item) == MACROS
    assert metadata(quarantine, item.message_id)["risks"] == "macros"
    record = quarantine.record(item)
    assert (record["verdict"], record["risks"]) == ("clean", ["macros"])
    assert [(one["filename"], one["risks"]) for one in record["parts"] if "risks" in one] == [("plan.doc", ["macros"])]
    assert quarantine.alerts() == []
    read, _tag = read_record(quarantine.s3, item)
    assert read is not None
    assert (read.risks, read.result.risks) == ((Risk.MACROS,), (Risk.MACROS,))


def test_plain_message_says_nothing(quarantine: Quarantine) -> None:
    """Neither in its metadata nor in its record."""
    item = quarantine.put(mixed(encoded(b"hello", "a.txt")))
    assert quarantine.intake.take(item) is Outcome.DELIVERED
    assert "risks" not in metadata(quarantine, item.message_id)
    assert "risks" not in quarantine.record(item)


def test_stripped_message_says_what_is_left(quarantine: Quarantine) -> None:
    """The program is gone, and the form is told of."""
    item = quarantine.put(PROGRAM)
    assert quarantine.intake.take(item) is Outcome.STRIPPED
    assert b"plan.vbs" not in quarantine.clean(item)
    assert metadata(quarantine, item.message_id)["risks"] == "pdf-actions"
    (removed,) = [one for one in quarantine.record(item)["parts"] if one["removed"]]
    assert (removed["filename"], removed["risks"]) == ("plan.vbs", ["programs"])


def test_held_message_is_told_of(quarantine: Quarantine) -> None:
    """With the classes and the reason; an operator lets it go as it came, and then it is flagged."""
    quarantine.policy = Policy(active_content=ActiveContent(macros=Reaction.HOLD))
    item = quarantine.put(MACROS)
    heard: list[MessageDiscarded | MessageHeld | MessageReleased] = []
    assert replace(quarantine.intake, publish=heard.append).take(item) is Outcome.HELD
    assert quarantine.keys("clean/") == []
    (event,) = heard
    jsonschema.validate(event.detail, schema_of(MessageHeld))
    assert (event.detail["risks"], event.detail["reason"]) == (["macros"], "it has active content: macros")
    assert quarantine.record(item)["action"] == "hold"


@pytest.mark.parametrize("prefix", ["raw/out/", "raw/"])
def test_mail_that_is_sent_is_left_alone(prefix: str, quarantine: Quarantine) -> None:
    """What an application attaches is its own; what arrives is not."""
    quarantine.policy = Policy(active_content=STRICT, infected=Action.HOLD)
    item = quarantine.put(MACROS, f"{prefix}message-of-{len(prefix)}")
    outcome = quarantine.intake.take(item)
    assert outcome is (Outcome.DELIVERED if prefix == "raw/out/" else Outcome.STRIPPED)
