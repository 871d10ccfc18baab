"""An organisation's settings hold for the next message, without a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.addresses import AddressBook, DesignatedAddress
from mailroom.layout import OUTGOING_PREFIX
from mailroom.messages import Address, parse
from mailroom.outbox import Outbox, OutboxState
from mailroom.outbox.compose import compose
from mailroom.outbox.signing import signed_html, signed_text
from mailroom.store.address_book import put_address_book
from mailroom.store.keys import signature_key
from mailroom.store.run_time import AddressNow, RunTime, Signature, put_run_time
from mailroom.store.table import Write
from tests.mailroom.outbox.conftest import NOW
from tests.mailroom.outbox.test_sending import RECEIPT, SUPPORT, Ses, refusal, scanned, sending, state
from tests.mailroom.store.conftest import Store

LOUD = Signature(text="Anna, Acme", html="<b>Anna</b>, Acme<script>steal()</script><img src='https://t.example/p'>")
FROM = SUPPORT.address


def hold(store: Store, run_time: RunTime, *signatures: Signature) -> bool:
    """Write what holds now."""
    return put_run_time(store.writer().table, run_time, signatures, NOW)


def now(revision: int = 1, *, active: bool = True, **settings: object) -> RunTime:
    """The present settings of one address."""
    return RunTime(revision=revision, addresses={FROM: AddressNow(active=active)}, **settings)  # type: ignore[arg-type]


def sent(store: Store, outbox: Outbox, key: str, *, at: datetime = NOW, to: Sequence[str] = ()) -> str:
    """The result of one message: sent, or the reason of its refusal."""
    recipients = tuple(Address(one) for one in to) or RECEIPT.to
    begun = replace(outbox, clock=lambda: at).send(replace(RECEIPT, to=recipients), key=key)
    sending(store, Ses(), NOW + timedelta(days=2)).take(scanned(store, begun.id))
    found = state(outbox, begun.id)
    return found[2] or found[0].value


def test_switched_off_address_sends_nothing_from_then_on(store: Store, outbox: Outbox) -> None:
    """Nor what waits already; on again, the next goes. A domain that is off takes every address with it."""
    waiting = outbox.send(RECEIPT, key="waits")
    hold(store, now(1, active=False))
    ses = Ses()
    sending(store, ses).take(scanned(store, waiting.id))
    assert (state(outbox, waiting.id), ses.asked) == ((OutboxState.REFUSED, "", "off"), [])
    assert sent(store, outbox, "a") == "off"
    hold(store, now(2))
    assert sent(store, outbox, "b") == "sent"
    hold(store, RunTime(revision=3, live=False))
    assert sent(store, outbox, "c") == "off"


def test_an_older_revision_changes_nothing(store: Store, outbox: Outbox) -> None:
    """Whoever comes late with what was read before."""
    assert hold(store, now(7, active=False))
    assert not hold(store, now(6))
    assert hold(store, now(7, active=False))
    assert sent(store, outbox, "a") == "off"


def test_mail_of_an_organization_for_tests_goes_to_its_recipients_alone(store: Store, outbox: Outbox) -> None:
    """All of them must be allowed, whatever their case; without a list, everybody is."""
    hold(store, now(1, allowed=frozenset({"anna@example.net", "boris@example.net"})))
    assert sent(store, outbox, "a", to=["Anna@Example.net"]) == "sent"
    assert sent(store, outbox, "b", to=["anna@example.net", "carla@example.net"]) == "recipient"
    hold(store, now(2, allowed=frozenset()))
    assert sent(store, outbox, "c", to=["anna@example.net"]) == "recipient"
    hold(store, now(3))
    assert sent(store, outbox, "d", to=["carla@example.net"]) == "sent"


@pytest.mark.parametrize(
    ("within", "apart", "expected"),
    [
        (180, 0, "repeated"),
        (180, 179, "repeated"),
        (180, 180, "sent"),
        (0, 0, "sent"),
        (86_400, 3_600, "repeated"),
        (180, -100, "repeated"),
        (180, -200, "sent"),
    ],
)
def test_the_same_message_is_not_sent_twice_within_the_time(
    store: Store, outbox: Outbox, within: int, apart: int, expected: str
) -> None:
    """By when each was asked for, whichever the queue brings first; another text, or another recipient, is another message."""
    hold(store, now(repeated_within=timedelta(seconds=within)))
    assert sent(store, outbox, "a") == "sent"
    assert sent(store, outbox, "b", at=NOW + timedelta(seconds=apart)) == expected
    assert sent(store, outbox, "c", to=["boris@example.net"]) == "sent"


def test_what_was_refused_is_no_first_one(store: Store, outbox: Outbox) -> None:
    """The same message goes at once when the one before it was not sent; one that waits for SES is none of its own repetitions."""
    hold(store, now(repeated_within=timedelta(minutes=3)))
    refused = outbox.send(RECEIPT, key="refused")

    sending(store, Ses(refusal("MessageRejected"))).take(scanned(store, refused.id))
    assert state(outbox, refused.id)[2] == "MessageRejected"
    begun = outbox.send(RECEIPT, key="again")
    item = scanned(store, begun.id)
    ses = Ses(refusal("TooManyRequestsException", 429))
    sending(store, ses).take(item)
    assert state(outbox, begun.id)[0] is OutboxState.QUEUED
    waited = NOW + timedelta(hours=1)
    sending(store, ses, waited).take(item)
    assert (state(outbox, begun.id)[0], len(ses.asked)) == (OutboxState.SENT, 2)


def test_name_and_signature_are_those_of_the_moment_of_asking(store: Store, outbox: Outbox) -> None:
    """A sender with a name keeps it. Whoever asks again gets the same octets, whatever was changed since."""
    named = AddressNow(name="Acme Support", signature=LOUD.digest)
    hold(store, RunTime(revision=1, addresses={FROM: named}), LOUD)
    plain = replace(RECEIPT, sender=Address(FROM), html="<body><p>Thank you.</p></body>")
    first = outbox.send(plain, key="first")
    key = f"{OUTGOING_PREFIX}{first.id}"
    bucket = store.client("s3")
    raw = bucket.get_object(Bucket=store.bucket, Key=key)["Body"].read()
    message = parse(raw)
    assert [(one.address, one.name) for one in message.from_] == [(FROM, "Acme Support")]
    assert message.text.endswith("\n\n-- \nAnna, Acme\n")
    assert message.html.rstrip() == "<body><p>Thank you.</p><br><div><b>Anna</b>, Acme<img></div></body>"
    hold(store, RunTime(revision=2, addresses={FROM: AddressNow(name="Other")}))
    bucket.delete_object(Bucket=store.bucket, Key=key)
    outbox.send(plain, key="first")
    assert bucket.get_object(Bucket=store.bucket, Key=key)["Body"].read() == raw
    sending(store, Ses()).take(scanned(store, first.id))
    assert state(outbox, first.id)[0] is OutboxState.SENT
    own = outbox.send(replace(RECEIPT, signature=False), key="own")
    message = parse(bucket.get_object(Bucket=store.bucket, Key=f"{OUTGOING_PREFIX}{own.id}")["Body"].read())
    assert ([one.name for one in message.from_], message.text) == (["Acme"], "Thank you.\n")


def test_signature_that_is_gone_is_told(store: Store, outbox: Outbox) -> None:
    """A message that can no longer be the same is not sent as another one."""
    hold(store, RunTime(revision=1, addresses={FROM: AddressNow(signature=LOUD.digest)}), LOUD)
    outbox.send(RECEIPT, key="k")
    outbox.table.write([Write(delete=signature_key(LOUD.digest))])
    with pytest.raises(Exception, match="signature of the first request is gone; ask with another key"):
        outbox.send(RECEIPT, key="k")


def test_book_says_what_holds_now(store: Store) -> None:
    """Names, what is off and which is first, over what is deployed: writing the deployed book anew takes nothing of it back."""
    table = store.writer().table
    book = AddressBook(
        subdomain="post.acme.example",
        addresses=(DesignatedAddress(FROM, "Deployed"), DesignatedAddress("old@post.acme.example", receives=False)),
    )
    addresses = {
        FROM: AddressNow(name="Now", primary=True),
        "old@post.acme.example": AddressNow(active=False),
        "new@post.acme.example": AddressNow(name="Not deployed"),
    }
    hold(store, RunTime(revision=1, addresses=addresses))
    put_address_book(table, book, digest="x", now=NOW)
    found = store.reader.address_book()
    assert found is not None
    assert found.addresses == (
        DesignatedAddress(FROM, "Now"),
        DesignatedAddress("old@post.acme.example", sends=False, receives=False),
    )
    assert (found.primary, found.live) == (FROM, True)
    assert (found.may_send(FROM), found.may_receive("old@post.acme.example")) == (True, False)
    hold(store, RunTime(revision=2, live=False))
    gone = store.reader.address_book()
    assert gone is not None
    assert (gone.live, gone.senders, gone.primary) == (False, (), "")


@pytest.mark.parametrize(
    ("html", "signed"),
    [
        ("<p>Hi</p>", "<p>Hi</p><br><div>A &lt;b&gt;<br>C</div>"),
        ("<body>x</BODY ></html>", "<body>x<br><div>A &lt;b&gt;<br>C</div></BODY ></html>"),
        ("<!-- </body> --><body>x</body>", "<!-- </body> --><body>x<br><div>A &lt;b&gt;<br>C</div></body>"),
    ],
)
def test_text_alone_is_shown_as_text(html: str, signed: str) -> None:
    """At the end of the body, line by line, with nothing of it taken for HTML."""
    assert signed_html(html, Signature(text="A <b>\r\nC")) == signed


def test_html_alone_is_told_as_text() -> None:
    """A signature without a text gets one, and an empty one changes nothing."""
    assert signed_text("Hi\n\n", Signature(html="<b>Anna</b><br>Acme")) == "Hi\n\n-- \nAnna\nAcme\n"
    assert (signed_text("Hi\n", Signature()), signed_html("<p>", Signature())) == ("Hi\n", "<p>")


@given(text=st.text(max_size=200), html=st.text(max_size=200))
def test_any_signature_is_sent(text: str, html: str) -> None:
    """Whatever is in it: the message stays one, with no script of the signature's."""
    message = replace(RECEIPT, html="<p>Hi</p>")
    signature = Signature(text=text.replace("\x00", ""), html=html)
    raw = compose(message, id="0" * 40, at=NOW, signature=signature)
    assert raw.isascii()
    assert "<script" not in parse(raw).html.lower()
