"""Whether one DMARC policy record does what another asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.records import DnsRecord, Purpose, dmarc_value
from email_stack.dnscheck.dmarc import dmarc_difference, dmarc_remark, dmarc_remarks
from email_stack.dnscheck.model import Status
from email_stack.dnscheck.replies import Reply
from email_stack.dnscheck.verdicts import judge
from mailroom.messages.dmarc_record import DmarcSyntaxError, Policy, parse_dmarc
from tests.mailroom.messages.test_dmarc_record import ENDS, REMARKED


@pytest.mark.parametrize(("rest", "remark"), REMARKED)
def test_what_receivers_pass_over_is_no_difference(rest: str, remark: str) -> None:
    """It is a remark beside a record that does what is asked."""
    assert dmarc_difference("v=DMARC1; p=reject", f"v=DMARC1; p=reject{rest}") == ""
    assert dmarc_remarks(f"v=DMARC1; p=reject{rest}") == (remark,)


def test_the_rest_of_a_list_of_addresses_is_read() -> None:
    """One that is none takes no other with it; what is wanted and ignored is a difference."""
    listed = "rua=mailto:a@x.example,b@x.example,mailto:c@x.example,"
    record = parse_dmarc(f"v=DMARC1; p=none; {listed}")
    assert record.rua == ("a@x.example", "c@x.example")
    assert len(record.remarks) == 2
    wanted = "v=DMARC1; p=none; rua=mailto:b@x.example"
    assert dmarc_difference(wanted, f"v=DMARC1; p=none; {listed}").startswith("rua must hold b@x.example, got ")


def test_no_record_has_no_remarks() -> None:
    """What is wrong with it is told otherwise."""
    assert dmarc_remarks("v=DMARC1; p=block; sp=") == ()


@pytest.mark.parametrize("rest", [";;", "; sp=", "; pct=101", "; rf=afrf:iodef", "; fo=0:1"])
def test_a_remark_is_a_note_beside_a_right_record(rest: str) -> None:
    """The finding is OK, with what serves as well and what receivers pass over."""
    record = DnsRecord(name="_dmarc.post.acme.example", type="TXT", values=(WANTED,), purpose=Purpose.DMARC)
    reply = Reply(rcode="NOERROR", authoritative=True, values=(f"{WANTED}{rest}",))
    judgement = judge(record, reply, zone="acme.example", budgets={})
    assert judgement.status is Status.OK
    assert judgement.note.endswith(f"which serves as well; {dmarc_remarks(WANTED + rest)[0]}")
    exact = Reply(rcode="NOERROR", authoritative=True, values=(WANTED,))
    assert judge(record, exact, zone="acme.example", budgets={}).note == ""


WANTED = "v=DMARC1; p=quarantine; rua=mailto:a@x.example,mailto:b%21@y.example"


@pytest.mark.parametrize(
    ("seen", "difference"),
    [
        (WANTED, ""),
        ("v=DMARC1; rua=mailto:c@z.example,mailto:b%21@Y.Example!1m,mailto:%61@X.example;p=Quarantine;adkim=s;", ""),
        (f"{WANTED}; sp=reject; np=quarantine; pct=100; aspf=r; t=n; psd=n; fo=1; x=y", ""),
        (WANTED.replace("quarantine", "none"), "p must be quarantine, got none"),
        (WANTED.replace("quarantine", "reject"), "p must be quarantine, got reject"),
        ("v=DMARC1; p=quarantine", "rua must hold a@x.example, b!@y.example, got no address"),
        (WANTED.replace("a@x", "A@x"), "rua must hold a@x.example, got A@x.example, b!@y.example"),
        (f"{WANTED}; aspf=s", "aspf must be r, got s"),
        (f"{WANTED}; t=y", "t must be n, got y"),
        (f"{WANTED}; pct=99", "pct must be 100, got 99"),
        (f"{WANTED}; sp=none", ""),
        (f"{WANTED}; np=none", ""),
        (f"{WANTED}; psd=y", "psd must be n, got y"),
        (f"{WANTED}; sp=block", 'dmarc: sp: must be none or quarantine or reject, got "block"; correct it'),
        (f"{WANTED}; aspf=strict; adkim=strict; pct=many; t=maybe", ""),
        (f"{WANTED},", ""),
    ],
)
def test_difference_names_both_values(seen: str, difference: str) -> None:
    """What keeps a record from doing what is asked is told first thing first; what does no harm is not."""
    assert dmarc_difference(WANTED, seen) == difference


@pytest.mark.parametrize(
    ("tags", "remark"),
    [
        ("", ""),
        ("; sp=reject; np=quarantine", ""),
        ("; sp=none", "sp=none asks for less, of names below the domain only"),
        ("; np=none", "np=none asks for less, of names below the domain only"),
        ("; sp=none; np=reject", "sp=none asks for less, of names below the domain only"),
    ],
)
def test_laxer_policy_for_names_below_is_a_remark(tags: str, remark: str) -> None:
    """What sp and np ask for concerns names below the domain only."""
    assert dmarc_remark(WANTED, f"{WANTED}{tags}") == remark


def test_what_is_asked_for_is_no_difference() -> None:
    """A record that asks for strict alignment, testing or half of the mail differs from itself in nothing."""
    odd = f"{WANTED}; aspf=s; t=y; pct=50; psd=y; sp=none"
    assert dmarc_difference(odd, odd) == ""
    assert dmarc_difference(odd, WANTED) == ""


def test_expected_record_must_be_right() -> None:
    """A wrong expectation is the caller's mistake, not a difference."""
    with pytest.raises(DmarcSyntaxError, match=r'^dmarc: p: missing, got "v=DMARC1"; '):
        dmarc_difference("v=DMARC1", WANTED)


LOCALS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
ADDRESSES = LOCALS.filter(lambda text: "@" not in text).map(lambda local: f"{local}@Reports.x-1.example")


@given(policy=st.sampled_from(["none", "quarantine", "reject"]), rua=st.lists(ADDRESSES, max_size=4))
def test_what_the_project_writes_is_read_back(policy: Policy, rua: list[str]) -> None:
    """Policy and addresses survive writing and parsing, whatever characters the addresses have."""
    text = dmarc_value(policy, rua)
    record = parse_dmarc(text)
    assert (record.policy, record.rua, record.removed) == (policy, tuple(rua), ())
    assert record.remarks == ()
    assert dmarc_difference(text, text) == ""


@given(st.text() | ENDS | ENDS.map(lambda rest: f"v=DMARC1; p=none; {rest}"))
def test_any_text_is_compared(text: str) -> None:
    """And differs in one sentence at the most."""
    assert isinstance(dmarc_difference(WANTED, text), str)
