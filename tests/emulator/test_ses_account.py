"""SES's sandbox, a paused account and a paused tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Stacks, code_of
from .outgoing import message, send, sender


@pytest.fixture
def ses(stacks: Stacks) -> Iterator[Any]:
    """A client; the account is as before when the test is done."""
    client = stacks.client("sesv2")
    yield client
    client.put_account_sending_attributes(SendingEnabled=True)
    _production(client, True)


def _production(client: Any, granted: bool) -> None:
    client.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.net", ProductionAccessEnabled=granted
    )


def test_sandbox_sends_to_verified_addresses_alone(stacks: Stacks, ses: Any) -> None:
    """And to the mailbox simulator; the account says that it is in it."""
    domain, _, _ = sender(stacks)
    assert ses.get_account()["ProductionAccessEnabled"] is True
    _production(ses, False)
    assert ses.get_account()["ProductionAccessEnabled"] is False
    for to in (f"someone@{domain}", "success@simulator.amazonses.com"):
        send(ses, message(f"a@{domain}", to=to))
    with pytest.raises(ClientError, match=r"not verified.*EU-WEST-1: anna@example.net") as caught:
        send(ses, message(f"a@{domain}", to=f"anna@example.net, b@{domain}"))
    assert code_of(caught) == "MessageRejected"


def test_paused_account_sends_nothing(stacks: Stacks, ses: Any) -> None:
    """Until it is enabled again."""
    domain, _, _ = sender(stacks)
    ses.put_account_sending_attributes(SendingEnabled=False)
    assert ses.get_account()["SendingEnabled"] is False
    with pytest.raises(ClientError) as caught:
        send(ses, message(f"a@{domain}"))
    assert code_of(caught) == "SendingPausedException"
    ses.put_account_sending_attributes(SendingEnabled=True)
    assert ses.get_account()["SendingEnabled"] is True
    send(ses, message(f"a@{domain}"))


def test_paused_tenant_sends_nothing(stacks: Stacks, ses: Any) -> None:
    """Others do."""
    domain, name, tenant = sender(stacks, tenant=True)
    arn = ses.get_tenant(TenantName=tenant)["Tenant"]["TenantArn"]
    entity = {"ReputationEntityType": "RESOURCE", "ReputationEntityReference": arn}
    ses.update_reputation_entity_customer_managed_status(**entity, SendingStatus="DISABLED")
    assert ses.get_tenant(TenantName=tenant)["Tenant"]["SendingStatus"] == "DISABLED"
    with pytest.raises(ClientError) as caught:
        send(ses, message(f"a@{domain}"), TenantName=tenant, ConfigurationSetName=name)
    assert code_of(caught) == "SendingPausedException"
    send(ses, message(f"a@{domain}"))
    with pytest.raises(ClientError) as caught:
        ses.update_reputation_entity_customer_managed_status(
            ReputationEntityType="RESOURCE", ReputationEntityReference=f"{arn}x", SendingStatus="ENABLED"
        )
    assert code_of(caught) == "NotFoundException"
