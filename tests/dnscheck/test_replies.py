"""DNS messages read: whatever arrives is an answer or an error, never a surprise."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.dnscheck.replies import Reply, ReplyError, question_wire, read_reply

NAME = "post.acme.example"


def body(*answers: str, authority: tuple[str, ...] = (), name: str = NAME, kind: str = "TXT", aa: bool = True) -> bytes:
    """A reply's octets behind the identifier; records as `name ttl class type rdata`."""
    message = dns.message.make_response(dns.message.make_query(name, kind))
    message.flags |= dns.flags.AA if aa else 0
    for section, lines in ((message.answer, answers), (message.authority, authority)):
        for line in lines:
            owner, ttl, _, rdtype, rdata = line.split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata))
    return message.to_wire()[2:]


def test_strings_of_a_txt_record_are_joined() -> None:
    """The strings of one record are one value; octets that are not ASCII are shown as escapes."""
    reply = read_reply(body(f'{NAME}. 60 IN TXT "v=spf1 " "-all" "\\195\\188"'), NAME, "TXT")
    assert reply == Reply(rcode="NOERROR", authoritative=True, values=("v=spf1 -all\\xc3\\xbc",))


def test_names_come_in_lower_case_without_dot() -> None:
    """MX as preference and host."""
    reply = read_reply(body(f"{NAME}. 60 IN MX 10 In.Example.", kind="MX"), NAME, "MX")
    assert reply.values == ("10 in.example",)


def test_alias_is_followed_and_named() -> None:
    """What stands behind a CNAME is the value; that there is one is told too."""
    reply = read_reply(
        body(f"{NAME}. 60 IN CNAME a.example.", "a.example. 60 IN CNAME b.example.", 'b.example. 60 IN TXT "x"'),
        NAME,
        "TXT",
    )
    assert (reply.values, reply.alias) == (("x",), "a.example")


def test_all_aliases_of_the_name_are_told() -> None:
    """Some servers let a name have several, of which one is followed; those further on are not the name's."""
    lines = [f"{NAME}. 60 IN CNAME {one}.example." for one in "ab"]
    reply = read_reply(body(*lines, "a.example. 60 IN CNAME c.example."), NAME, "TXT")
    assert (reply.links, reply.alias) == (("a.example", "b.example"), "a.example")
    assert read_reply(body(*lines, kind="CNAME"), NAME, "CNAME").values == reply.links


def test_aliases_that_go_round() -> None:
    """A loop of CNAMEs ends."""
    reply = read_reply(body(f"{NAME}. 60 IN CNAME a.example.", f"a.example. 60 IN CNAME {NAME}."), NAME, "TXT")
    assert (reply.values, reply.alias) == ((), "a.example")


def test_referral() -> None:
    """NS records in the authority section of an answer without authority lead to the zone below."""
    cut = (f"{NAME}. 60 IN NS ns1.acme.example.",)
    reply = read_reply(body(authority=cut, name=f"mail.{NAME}", aa=False), f"mail.{NAME}", "TXT")
    assert (reply.referral, reply.referral_servers) == (NAME, ("ns1.acme.example",))
    assert read_reply(body(authority=cut, name=f"mail.{NAME}"), f"mail.{NAME}", "TXT").referral == ""
    assert read_reply(body(authority=cut, name="other.example", aa=False), "other.example", "TXT").referral == ""


def test_zone_of_a_negative_answer() -> None:
    """The SOA of the authority section tells the zone."""
    soa = ("acme.example. 60 IN SOA a.example. b.example. 1 2 3 4 5",)
    assert read_reply(body(authority=soa), NAME, "TXT").soa == "acme.example"


def test_refusal_without_a_question() -> None:
    """A server that takes no EDNS may answer with a bare header."""
    message = dns.message.Message()
    message.flags |= dns.flags.QR
    message.set_rcode(dns.rcode.FORMERR)
    assert read_reply(message.to_wire()[2:], NAME, "TXT") == Reply(rcode="FORMERR")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (question_wire(NAME, "TXT", edns=True)[2:], "not a reply"),
        (body(name="other.example"), "to another question"),
        (body(kind="MX"), "to another question"),
        (b"", "malformed"),
        (body(f'{NAME}. 60 IN TXT "x"')[:-3], "malformed"),
    ],
)
def test_what_is_no_answer(data: bytes, said: str) -> None:
    """A question, an answer to something else and a torn message are errors."""
    with pytest.raises(ReplyError, match=said):
        read_reply(data, NAME, "TXT")


def test_name_that_cannot_be_asked_for() -> None:
    """A label of 64 octets is refused before anything is sent."""
    with pytest.raises(ReplyError, match="cannot be asked for"):
        question_wire("a" * 64, "TXT", edns=True)


def outcome(data: bytes) -> Reply | str:
    """The reply of these octets, or the error's text; any other exception fails the test."""
    try:
        return read_reply(data, NAME, "TXT")
    except ReplyError as error:
        return str(error)


@given(st.binary(max_size=300))
def test_any_octets(data: bytes) -> None:
    """Noise is an error that says so."""
    assert isinstance(outcome(data), Reply | str)


@given(st.data())
def test_any_change_of_a_real_answer(data: st.DataObject) -> None:
    """One octet changed anywhere makes another answer or an error."""
    real = bytearray(body(f'{NAME}. 60 IN TXT "v=spf1 -all"', authority=(f"{NAME}. 60 IN NS ns1.acme.example.",)))
    real[data.draw(st.integers(0, len(real) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(outcome(bytes(real)), Reply | str)
