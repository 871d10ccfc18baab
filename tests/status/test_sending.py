"""Verdicts on SES's states of account and tenant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from email_stack.config import Cell, Tenant
from email_stack.status.model import Rates, State
from email_stack.status.reads import AccountSending
from email_stack.status.sending import of_account, of_tenant, reputation, why_not_sent

REGION = "eu-central-1"
GOOD = AccountSending(production=True, enabled=True, enforcement="HEALTHY", most=50_000, sent=12)
TENANT = Tenant.model_validate({"id": "acme", "subdomain": "post.acme.example", "cell": "eu"})


@pytest.mark.parametrize(
    ("changes", "said", "todo"),
    [
        ({"production": False, "most": 200}, "sandbox", "at most 200 messages within 24 h; ask for production access"),
        (
            {"enabled": False},
            "paused",
            "aws sesv2 put-account-sending-attributes --sending-enabled --region eu-central-1",
        ),
        ({"enforcement": "SHUTDOWN", "enabled": False, "production": False}, "shut down", "nothing is sent"),
        ({"enforcement": "PROBATION"}, "under review", "SES reviews the account"),
        ({"sent": 50_000}, "quota used up", "ask for more in Service Quotas"),
        ({"most": 200, "sent": 201}, "quota used up", "all 200 messages"),
        ({"most": 0, "sent": 0}, "quota used up", "all 0 messages"),
    ],
)
def test_account_that_cannot_send_as_it_should(changes: dict[str, object], said: str, todo: str) -> None:
    """Is never all right, and it is said what to do."""
    found = of_account(REGION, replace(GOOD, **changes))  # type: ignore[arg-type]
    assert (found.state, found.said) == (State.WRONG, said)
    assert todo in found.reason
    assert REGION in found.reason


@pytest.mark.parametrize(("most", "said"), [(50_000, "12 of 50,000"), (-1, "12"), (13, "12 of 13")])
def test_account_that_can(most: int, said: str) -> None:
    """Says how much of its quota it used; a negative one is none."""
    assert of_account(REGION, replace(GOOD, most=most)).shown == said


@pytest.mark.parametrize(("status", "said"), [("ENABLED", ""), ("REINSTATED", "reinstated")])
def test_tenant_that_can_send(status: str, said: str) -> None:
    """Where the account can."""
    found = of_tenant(TENANT, status, of_account(REGION, GOOD))
    assert (found.state, found.said) == (State.OK, said)


def test_tenant_that_is_paused() -> None:
    """Whatever the account may."""
    found = of_tenant(TENANT, "DISABLED", of_account(REGION, GOOD))
    assert (found.state, found.said) == (State.WRONG, "paused")
    assert "reinstate it" in found.reason


def test_tenant_of_an_account_that_cannot() -> None:
    """Says the same as its cell, so that it is told once; a tenant that is off sends nothing anyway."""
    account = of_account(REGION, replace(GOOD, production=False))
    assert of_tenant(TENANT, "ENABLED", account) == account
    off = TENANT.model_copy(update={"live": False})
    assert (of_tenant(off, "ENABLED", account).state, of_tenant(off, "ENABLED", account).said) == (State.OK, "off")


@pytest.mark.parametrize(
    ("code", "todo"),
    [
        ("scan", "the scanner found something in it"),
        ("AccessDeniedException", "deploy the tenant again"),
        ("MailFromDomainNotVerifiedException", "dns-check"),
        ("deadline", "see with `email-stack status` whether mail waits for the scanner"),
        ("gone", "it was deleted from the tenant's bucket"),
        ("unreachable", "AWS Health Dashboard"),
    ],
)
def test_reason_that_says_enough(code: str, todo: str) -> None:
    """Is explained as it is: nobody is asked."""
    assert todo in why_not_sent(TENANT, Cell.model_validate({"id": "eu", "region": REGION}), code)


def test_tenant_that_ses_does_not_know() -> None:
    """Is missing."""
    assert of_tenant(TENANT, None, of_account(REGION, GOOD)).state is State.ABSENT


@pytest.mark.parametrize(
    ("bounces", "complaints", "state", "said", "todo"),
    [
        (None, None, State.OK, "-", ()),
        (0.0, 0.0, State.OK, "0 %, 0 %", ()),
        (0.0499, 0.00099, State.OK, "4.99 %, 0.099 %", ()),
        (0.012, None, State.OK, "1.2 %, -", ()),
        (0.05, 0.0, State.WRONG, "5 %, 0 %", ("under review from 5 % on", "`email-stack suppressions acme`")),
        (0.1, 0.0, State.WRONG, "10 %, 0 %", ("pauses a sender from 10 % on",)),
        (0.0, 0.001, State.WRONG, "0 %, 0.1 %", ("under review from 0.1 % on", "unsubscribe")),
        (None, 0.005, State.WRONG, "-, 0.5 %", ("pauses a sender from 0.5 % on",)),
        (0.2, 0.01, State.WRONG, "20 %, 1 %", ("20 % of the tenant's mail is answered with bounces", "1 % of the")),
    ],
)
def test_rates_against_those_of_ses(
    bounces: float | None, complaints: float | None, state: State, said: str, todo: tuple[str, ...]
) -> None:
    """From 5 % bounces and 0.1 % complaints on SES reviews a sender, from 10 % and 0.5 % on it pauses it."""
    found = reputation(TENANT, Rates(bounces=bounces, complaints=complaints))
    assert (found.state, found.said) == (state, said)
    assert all(part in found.reason for part in todo)
    assert bool(found.reason) == (state is State.WRONG)
