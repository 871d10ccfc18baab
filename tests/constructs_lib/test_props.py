"""Props are checked as the config is: each wrong value is refused where it is given, in one form."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

import constructs_lib as lib
from constructs_lib import DesignatedAddress, Dmarc, TenantSubdomain, TenantSubdomainProps
from tests.constructs_lib.right_props import DOMAIN, KEY, RIGHT, TOPIC, make
from tests.constructs_lib.wrong_props import WRONG
from tests.templates import new_stack, plain_app, template_of

CASES = [
    pytest.param(name, prop, value, id=f"{name}-{prop}-{index}")
    for name, props in WRONG.items()
    for prop, values in props.items()
    for index, value in enumerate(values)
]


def props_of(name: str) -> set[str]:
    """Props of a public construct besides scope and id."""
    props = getattr(lib, f"{name}Props", None)
    if props is not None:
        return {field.name for field in dataclasses.fields(props)}
    return set(inspect.signature(getattr(lib, name).__init__).parameters) - {"self", "scope", "id"}


def test_every_prop_of_every_construct_has_wrong_values() -> None:
    """Whoever adds a prop says what is wrong for it."""
    constructs = {
        name for name in dir(lib) if isinstance(getattr(lib, name), type) and issubclass(getattr(lib, name), Construct)
    }
    assert {name: set(props) for name, props in WRONG.items()} == {name: props_of(name) for name in constructs}
    assert all(values for props in WRONG.values() for values in props.values())


@pytest.mark.parametrize("name", WRONG)
def test_right_props_are_taken(name: str) -> None:
    """What the wrong values stand beside is right."""
    make(new_stack(), name)


@pytest.mark.parametrize(("name", "prop", "value"), CASES)
def test_wrong_value_is_refused(name: str, prop: str, value: Any) -> None:
    """By a ValueError of one form: `place: subject: prop problem, got value; what to do`, and printable."""
    with pytest.raises(ValueError, match=prop) as raised:
        make(new_stack(), name, **{prop: value})
    for line in str(raised.value).split("\n"):
        assert re.match(
            r"Stack/Made(/\w+)?: [a-zA-Z][^\n]*?: (a key of )?[\w.\[\]]+ (must|needs) .*, got .*; \w", line
        ), line
        assert line.isprintable()
    assert re.search(rf": (a key of )?{prop}\b", str(raised.value))


def test_all_that_is_wrong_is_told_at_once() -> None:
    """One line a prop."""
    with pytest.raises(ValueError, match="tenant_id") as raised:
        make(
            new_stack(),
            "TenantSubdomain",
            tenant_id="A",
            dmarc=Dmarc(policy="foo"),  # type: ignore[arg-type]
            addresses=[DesignatedAddress("x@y.example")],
        )
    assert str(raised.value).split("\n") == [
        'Stack/Made: tenant "A": tenant_id must be 2 to 32 of a-z, 0-9 and single inner hyphens, starting with a letter, got "A"; '
        'use one such as "acme"',
        f'Stack/Made: tenant "A": addresses[0].address must be an address of "{DOMAIN}", in lower case, got "x@y.example"; '
        f'use one such as "support@{DOMAIN}"',
        'Stack/Made: tenant "A": dmarc.policy must be none or quarantine or reject, got "foo"; use "none"',
    ]


def test_tokens_stay_allowed() -> None:
    """Where only CloudFormation knows: names, ARNs and ids of other resources, and a subdomain that is a parameter."""
    stack = cdk.Stack(plain_app(), "Stack")
    token = cdk.CfnParameter(stack, "Given").value_as_string
    TenantSubdomain(
        stack,
        "Tenant",
        TenantSubdomainProps(
            tenant_id="acme",
            subdomain=token,
            rule_set_name=token,
            addresses=[DesignatedAddress(f"support@{token}")],
            parent_zone=lib.ParentZone(hosted_zone_id=token, zone_name=token),
            portal=lib.PortalAlias(target=token, hosted_zone_id=token),
            dmarc=Dmarc(rua=[f"postmaster@{token}"]),
            scanner=dataclasses.replace(RIGHT["TenantSubdomain"]["scanner"], role_arn=token, queue_arn=token),
            alarm_topic=sns.Topic.from_topic_arn(stack, "Alarms", token),
            alerts_key_arn=token,
            access_logs_bucket_name=token,
        ),
    )
    template_of(stack)


def test_imported_keys_and_topics_are_taken() -> None:
    """By their ARN, as `from_key_arn` and `from_topic_arn` return them: they are no objects of the class itself."""
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", KEY)
    topic = sns.Topic.from_topic_arn(stack, "Topic", TOPIC)
    make(stack, "AttachmentScanner", encryption_key=key, definitions_key=key, alarm_topic=topic)
    lib.SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key=key)


@pytest.mark.parametrize("region", ["us-gov-west-1", "me-central-1", "eu-central-2", "cn-north-1"])
def test_region_without_receiving_is_refused(region: str) -> None:
    """Its MX would name a host that does not exist; a region that is open may be any."""
    stack = cdk.Stack(cdk.App(), "Stack", env=cdk.Environment(region=region))
    with pytest.raises(
        ValueError, match=rf'region of the stack must be one where SES receives mail, got "{region}"; use'
    ):
        make(stack, "TenantSubdomain")
    make(cdk.Stack(cdk.App(), "Stack"), "TenantSubdomain")


def test_addresses_that_differ_by_a_slash_are_two_subscriptions() -> None:
    """An id takes no slash; the one that has none keeps its id, and so its confirmation."""
    ids = []
    for addresses in (["a_b@x.example"], ["a/b@x.example", "a_b@x.example", "c/d@x.example"]):
        stack = new_stack()
        made = lib.SecurityAlerts(stack, "Alerts", display_name="A", addresses=addresses)
        ids.append([child.node.id for child in made.node.children if child.node.id.startswith("Subscription")])
    assert ids[0] == ["Subscription-a_b@x.example"]
    assert ids[1][1:] == ["Subscription-a_b@x.example", "Subscription-c_d@x.example"]
    assert ids[1][0].startswith("Subscription-a_b@x.example-")
