"""The parser reads lines of the rule exactly, and refuses others."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import PermanentError
from mailroom.tracking import SendingEvent, SendingEventKind
from mailroom.tracking.lines import sending_event_of, set_of

SES_ID = "0107018f5c2d7e3a-7f3e-4b5c-9d1a-000000"
ACCEPTED = "2026-11-23T09:00:00.000Z"
AT = "2026-11-23T10:00:00.123Z"
SETS = "arn:aws:ses:eu-central-1:000000000000:configuration-set/"
"""What the ARNs of configuration sets begin with."""


def line(
    kind: str = "Open",
    *,
    message: str = SES_ID,
    of: str = "set",
    at: str = AT,
    bot: str = "",
    subtype: str = "",
    link: str = "",
    event: str = "",
    outbox: str = "",
) -> str:
    """A line as the transformer makes it."""
    return f"4|{kind}|{message}|{SETS}{of}|{ACCEPTED}|{at}|{bot}|{subtype}|{event}|{outbox}|{link}"


WORDS = {
    **{kind.value: kind for kind in SendingEventKind},
    "Bounce": SendingEventKind.SOFT_BOUNCE,
    "BouncePermanent": SendingEventKind.BOUNCE,
    "BounceTransient": SendingEventKind.SOFT_BOUNCE,
    "BounceUndetermined": SendingEventKind.SOFT_BOUNCE,
}
"""What stands in a line for each kind: of a bounce, whether it is for good; where that is missing, it is not."""


@pytest.mark.parametrize(("word", "kind"), WORDS.items())
@pytest.mark.parametrize("quoted", [True, False])
def test_each_kind(word: str, kind: SendingEventKind, quoted: bool) -> None:
    """With or without the quotes that EventBridge puts around it; to the millisecond."""
    written = f'"{line(word)}"' if quoted else line(word)
    assert sending_event_of(written) == SendingEvent(
        kind, SES_ID, datetime(2026, 11, 23, 10, 0, 0, 123_000, tzinfo=UTC)
    )


def test_events_without_a_time_of_their_own() -> None:
    """Happened when SES took the message."""
    assert sending_event_of(line("Send", at="")).at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_programs_are_marked() -> None:
    """As SES marks them; what it does not say is no."""
    found = [sending_event_of(line(bot=word)).bot for word in ("true", "Likely", "false", "")]
    assert found == [True, True, False, False]


@given(st.text(max_size=100))
def test_links_are_any_text(link: str) -> None:
    """The link is last, and whole, whatever stands in it; escaped or not, as EventBridge sees fit."""
    written = line("Click", link=link)
    assert sending_event_of(json.dumps(written)).link == link
    assert sending_event_of(written).link == link


def test_link_of_what_is_no_click() -> None:
    """Is not kept."""
    assert sending_event_of(line("Open", link="https://example.org/")).link == ""


@pytest.mark.parametrize(
    ("subtype", "kept"),
    [
        ("General", "General"),
        ("NoEmail", "NoEmail"),
        ("OnAccountSuppressionList", "OnAccountSuppressionList"),
        ("OnTenantSuppressionList", "OnTenantSuppressionList"),
        ("", ""),
        ("null", ""),
        ("anna@example.net", ""),
        ("A" * 65, ""),
    ],
)
@pytest.mark.parametrize("word", ["BouncePermanent", "BounceTransient", "Complaint"])
def test_subtypes(word: str, subtype: str, kept: str) -> None:
    """One word of SES's, and nothing else that may stand there."""
    assert sending_event_of(line(word, subtype=subtype)).subtype == kept


def test_subtype_of_what_has_none() -> None:
    """Is not kept."""
    assert sending_event_of(line("Delivery", subtype="General")).subtype == ""


@pytest.mark.parametrize("name", ["set", "Tenant-acme_Set-1x2", "x" * 64])
@pytest.mark.parametrize("quoted", [True, False])
def test_configuration_set(name: str, quoted: bool) -> None:
    """Its name, of the ARN that SES puts into the event."""
    written = line(of=name)
    assert set_of(f'"{written}"' if quoted else written, SETS) == name


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "set",
        SETS,
        f"{SETS}a/b",
        f"{SETS}a set",
        f"{SETS}{'x' * 65}",
        f"{SETS}../secret",
        f"{SETS}set\n",
        f" {SETS}set",
        "arn:aws:ses:eu-central-1:000000000000:identity/post.acme.example",
        "arn:aws:ses:eu-central-1:111111111111:configuration-set/set",
        "arn:aws:ses:us-east-1:000000000000:configuration-set/set",
    ],
)
def test_what_is_no_configuration_set_of_ours(arn: str) -> None:
    """Another account's, another region's, and names that would lead elsewhere in the registry, are refused."""
    with pytest.raises(PermanentError, match="the ARN of a configuration set of this account and region"):
        set_of(line().replace(f"{SETS}set", arn), SETS)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "version 4"),
        ('{"detail": {"mail": {"destination": ["anna@example.org"]}}}', "version 4"),
        (f"3|Open|{SES_ID}|set|{ACCEPTED}|||", "11 fields"),
        (f"4|Open|{SES_ID}|set|{ACCEPTED}|||||", "11 fields"),
        (f"2|Open|{SES_ID}|set|{ACCEPTED}|||||||", "version 4"),
        (f"5|Open|{SES_ID}|set|{ACCEPTED}|||||||", "version 4"),
        (line(message="anna@example.org"), "SES's id"),
        (line(message=""), "SES's id"),
        (line("Subscription"), "a kind and a time"),
        (line(at="yesterday"), "a kind and a time"),
        (line(at="2026-11-23T10:00:00"), "a time with a zone"),
    ],
)
def test_what_is_no_such_line(written: str, problem: str) -> None:
    """Is refused, and nothing of it is in the error."""
    with pytest.raises(PermanentError, match=problem) as caught:
        sending_event_of(written)
    assert "anna" not in str(caught.value)


def test_lines_of_before() -> None:
    """What waits in a queue while the rule is updated is read; it names neither the event nor a message of the outbox."""
    before = f"3|Click|{SES_ID}|{SETS}set|{ACCEPTED}|{AT}|true||https://example.org/?a=|b"
    found = sending_event_of(before)
    assert found == sending_event_of(line("Click", bot="true", link="https://example.org/?a=|b"))
    assert (found.link, found.event, found.outbox) == ("https://example.org/?a=|b", "", "")


def test_event_and_message_of_the_outbox() -> None:
    """Both are named where they are what they must be, and neither is anything else."""
    event, request = "b5b1c7a6-0f0e-4b0e-9d6f-1c2d3e4f5a6b", "ab" * 20
    found = sending_event_of(line("Send", event=event, outbox=request))
    assert (found.event, found.outbox) == (event, request)
    odd = sending_event_of(line("Send", event="an#event", outbox="../ab"))
    assert (odd.event, odd.outbox) == ("", "")


@given(st.text())
def test_anything_else_is_refused(written: str) -> None:
    """With the one error that ends with the dead letters."""
    with pytest.raises(PermanentError):
        sending_event_of(written)
    with pytest.raises(PermanentError):
        set_of(written, SETS)
