"""Permissions that SES requires for a message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, code_of
from .outgoing import message, send

ACCOUNT = "000000000000"
OWN = f"arn:aws:ses:{REGION}:{ACCOUNT}"
IDENTITY, SET = f"{OWN}:identity/acme.example", f"{OWN}:configuration-set/acme"
BOTH = ["ses:SendEmail", "ses:SendRawEmail"]
SIMPLE = {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}}


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Emulator]:
    """An emulator that looks at policies, with a tenant that may send."""
    with Emulator(enforce_iam=True) as running:
        ses = running.client("sesv2", REGION)
        ses.create_configuration_set(ConfigurationSetName="acme")
        ses.create_email_identity(EmailIdentity="acme.example", ConfigurationSetName="acme")
        ses.create_tenant(TenantName="acme")
        for arn in (IDENTITY, SET):
            ses.create_tenant_resource_association(TenantName="acme", ResourceArn=arn)
        running.client("iam", REGION).create_user(UserName="sender")
        yield running


@pytest.fixture
def client(enforcing: Emulator) -> Iterator[Any]:
    """Gives the user these statements, and a client that is the user's."""
    iam = enforcing.client("iam", REGION)
    key = iam.create_access_key(UserName="sender")["AccessKey"]

    def with_statements(*statements: dict[str, Any]) -> Any:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=policy)
        return enforcing.client("sesv2", REGION, credentials=(key["AccessKeyId"], key["SecretAccessKey"]))

    yield with_statements
    iam.delete_user_policy(UserName="sender", PolicyName="send")
    iam.delete_access_key(UserName="sender", AccessKeyId=key["AccessKeyId"])


def allow(actions: list[str], resources: list[str], **conditions: Any) -> dict[str, Any]:
    """A statement."""
    found = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {**found, "Condition": conditions} if conditions else found


def denied(client: Any, raw: bytes, **more: Any) -> str:
    """The text of a denial."""
    with pytest.raises(ClientError) as caught:
        send(client, raw, **more)
    assert code_of(caught) == "AccessDeniedException"
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.parametrize(
    ("actions", "resources", "named"),
    [
        (["ses:SendEmail"], [IDENTITY, SET], f"ses:SendRawEmail on resource: {IDENTITY}"),
        (["ses:SendRawEmail"], [IDENTITY, SET], f"ses:SendEmail on resource: {IDENTITY}"),
        (BOTH, [IDENTITY], f"ses:SendEmail on resource: {SET}"),
        (BOTH, [SET], f"ses:SendEmail on resource: {IDENTITY}"),
    ],
)
def test_each_action_and_each_resource_is_asked_for(
    client: Any, actions: list[str], resources: list[str], named: str
) -> None:
    """A raw message needs both actions, on the identity and on its configuration set, even one that nobody named."""
    assert named in denied(client(allow(actions, resources)), message("a@acme.example"))
    send(client(allow(BOTH, [IDENTITY, SET])), message("a@acme.example"))


def test_simple_message_needs_one_action(client: Any) -> None:
    """SendRawEmail is for what is given whole."""
    user = client(allow(["ses:SendEmail"], [IDENTITY, SET]))
    user.send_email(
        FromEmailAddress="a@acme.example", Destination={"ToAddresses": ["anna@example.net"]}, Content=SIMPLE
    )


@pytest.mark.parametrize(
    ("condition", "right", "wrong"),
    [
        ({"ses:FromAddress": "a@acme.example"}, {}, {"FromEmailAddress": "b@acme.example"}),
        (
            {"ses:FromDisplayName": "Acme"},
            {"FromEmailAddress": "Acme <a@acme.example>"},
            {"FromEmailAddress": "Boss <a@acme.example>"},
        ),
        (
            {"ses:FeedbackAddress": "back@acme.example"},
            {"FeedbackForwardingEmailAddress": "back@acme.example"},
            {"FeedbackForwardingEmailAddress": "b@acme.example"},
        ),
        ({"ses:ApiVersion": "2"}, {}, None),
    ],
    ids=lambda value: next(iter(value)) if value and next(iter(value)).startswith("ses:") else "",
)
def test_conditions_see_the_request(
    client: Any, condition: dict[str, str], right: dict[str, Any], wrong: dict[str, Any] | None
) -> None:
    """Sender, its name and where bounces go, by the request or else by the header."""
    user = client(allow(BOTH, [IDENTITY, SET], StringEquals=condition))
    send(user, message("a@acme.example"), **right)
    if wrong is not None:
        denied(user, message("a@acme.example"), **wrong)


def test_absent_values_satisfy_no_condition(client: Any) -> None:
    """A message without a display name has none to compare."""
    denied(
        client(allow(BOTH, [IDENTITY, SET], StringEquals={"ses:FromDisplayName": "Acme"})), message("a@acme.example")
    )


def test_recipients_are_several(client: Any) -> None:
    """A condition for all of them is broken by one."""
    user = client(allow(BOTH, [IDENTITY, SET], **{"ForAllValues:StringLike": {"ses:Recipients": ["*@example.net"]}}))
    send(user, message("a@acme.example", to="one@example.net, two@example.net"))
    denied(user, message("a@acme.example", to="one@example.net, two@elsewhere.example"))


def test_tenant_is_a_condition_of_one_action(client: Any) -> None:
    """SendEmail has the key of the SES tenant, SendRawEmail has not."""
    wrong = {
        "Effect": "Deny",
        "Action": "ses:SendEmail",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"ses:TenantName": "acme"}},
    }
    user = client(allow(BOTH, [IDENTITY, SET]), wrong)
    send(user, message("a@acme.example"), TenantName="acme")
    assert "explicit deny" in denied(user, message("a@acme.example"))
    assert "explicit deny" in denied(user, message("a@acme.example"), TenantName="globex")


def test_caller_is_named_in_the_events(client: Any, enforcing: Emulator) -> None:
    """By the user's name."""
    message_id = send(client(allow(BOTH, [IDENTITY, SET])), message("a@acme.example"))
    (found,) = [one for one in enforcing.sent(REGION) if one.message_id == message_id]
    assert found.tags["ses:caller-identity"] == ["sender"]
