"""Each answer of AWS, DNS and the machine, and the verdict on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib.naming import receipt_rule_set_name
from email_stack.config import Cell
from email_stack.config.sections import ParentZone
from email_stack.doctor import judge
from email_stack.doctor.model import State, Verdict
from email_stack.doctor.needs import Need
from email_stack.doctor.reads import Amount, HostedZone, SendingState
from email_stack.doctor.sources import SOURCES

ACCOUNT = "111111111111"
CELL = Cell(id="eu", region="eu-central-1", account=ACCOUNT)
GOOD = SendingState(production=True, review="GRANTED", enabled=True, enforcement="HEALTHY", a_day=50_000)
ZONE = ParentZone(hosted_zone_id="Z0123456789ABC", zone_name="acme.example")
SERVERS = ("ns-1.example.net", "ns-2.example.org")


def is_wrong(verdict: Verdict, *said: str) -> None:
    """It is to be mended, says how, and says all of this."""
    assert verdict.state is State.WRONG
    assert verdict.remedy
    assert not verdict.remedy.endswith(".")
    for text in said:
        assert text in f"{verdict.said}; {verdict.remedy}"


def test_credentials_of_another_account() -> None:
    """The account of the config decides, where it names one."""
    arn = "arn:aws:iam::222222222222:user/ops"
    is_wrong(judge.credentials(CELL, "222222222222", arn), arn, "222222222222", ACCOUNT, 'cell "eu"')
    assert judge.credentials(CELL, ACCOUNT, arn).state is State.OK
    assert judge.credentials(CELL.model_copy(update={"account": None}), "222222222222", arn).state is State.OK


def test_region_without_receiving() -> None:
    """SES sends in regions where it does not receive."""
    assert judge.region(CELL).state is State.OK
    elsewhere = Cell.model_construct(id="eu", region="eu-central-2", account=None)
    is_wrong(judge.region(elsewhere), "eu-central-2", "eu-central-1")


@pytest.mark.parametrize(
    ("version", "state"), [(None, State.WRONG), (5, State.WRONG), (6, State.OK), (7, State.OK), (33, State.OK)]
)
def test_bootstrap(version: int | None, state: State) -> None:
    """None, one that is too old, and those that are new enough."""
    verdict = judge.bootstrap(CELL, ACCOUNT, version)
    assert verdict.state is state
    if state is State.WRONG:
        is_wrong(verdict, f"cdk bootstrap aws://{ACCOUNT}/eu-central-1")


@pytest.mark.parametrize(
    ("review", "said"),
    [("", "Request production access"), ("PENDING", "wait"), ("DENIED", "Support Center"), ("FAILED", "ask again")],
)
def test_sandbox(review: str, said: str) -> None:
    """What is to be done depends on whether somebody asked for production access already."""
    assert judge.production_access(GOOD).state is State.OK
    found = replace(GOOD, production=False, review=review, a_day=200)
    is_wrong(judge.production_access(found), "sandbox", "verified addresses only", "200 messages a day", said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"enabled": False}, "paused"),
        ({"enabled": False, "enforcement": "SHUTDOWN"}, "AWS has stopped"),
        ({"enforcement": "PROBATION"}, "may stop it"),
    ],
)
def test_sending_that_stopped(changes: dict[str, Any], said: str) -> None:
    """By the operator, or by AWS."""
    assert judge.sending(GOOD).state is State.OK
    is_wrong(judge.sending(replace(GOOD, **changes)), said)


def test_foreign_rule_set() -> None:
    """What the deployment would not replace is told before it."""
    assert judge.rule_set(CELL, None).state is State.OK
    assert judge.rule_set(CELL, receipt_rule_set_name("eu")).state is State.OK
    is_wrong(judge.rule_set(CELL, "theirs"), '"theirs" is active in eu-central-1', "deactivate it")


@pytest.mark.parametrize(
    ("limit", "used", "total", "missing", "wanted"),
    [
        (1000, None, 11, 11, 0),
        (11, None, 11, 11, 0),
        (10, None, 11, 11, 11),
        (1000, 995, 11, 11, 1006),  # others hold the rest
        (1000, 989, 11, 11, 0),
        (1000, 1000, 11, 0, 0),  # all of ours is among them
        (1000, 1000, 11, None, 0),  # nobody knows what is ours
        (10, 3, 11, 11, 14),
        (10, 3, 11, None, 11),
    ],
)
def test_quota(limit: int, used: int | None, total: int, missing: int | None, wanted: int) -> None:
    """What is needed must fit, beside what others hold."""
    verdict = judge.quota(
        CELL, SOURCES["iam_roles"], Need(total=total, missing=missing), Amount(limit=limit, used=used)
    )
    if not wanted:
        assert verdict.state is State.OK
        return
    is_wrong(verdict, f"request {wanted} or more", '"Roles per account"', "us-east-1", "L-FE177D64", "(IAM)")


def test_quota_of_a_region() -> None:
    """Is asked for there."""
    verdict = judge.quota(CELL, SOURCES["event_rules"], Need(total=402, missing=402), Amount(limit=300, used=0))
    is_wrong(verdict, "300 EventBridge rules allowed, 402 needed", "region eu-central-1", "L-244521F2")


def test_quota_that_aws_does_not_raise() -> None:
    """Is not asked for."""
    need = Need(total=10_001, missing=1)
    verdict = judge.quota(CELL, SOURCES["configuration_sets"], need, Amount(limit=10_000))
    is_wrong(verdict, "another account or region")
    assert "request" not in verdict.remedy


@given(
    limit=st.integers(0, 2000), used=st.none() | st.integers(0, 2000), total=st.integers(1, 50), part=st.integers(0, 50)
)
def test_what_is_requested_suffices(limit: int, used: int | None, total: int, part: int) -> None:
    """Once AWS grants what is asked for, nothing is to be done any more."""
    need = Need(total=total, missing=min(part, total))
    verdict = judge.quota(CELL, SOURCES["iam_roles"], need, Amount(limit=limit, used=used))
    if verdict.state is State.WRONG:
        granted = int(verdict.remedy.split()[1])
        assert granted > limit
        again = judge.quota(CELL, SOURCES["iam_roles"], need, Amount(limit=granted, used=used))
        assert again.state is State.OK


@pytest.mark.parametrize(
    ("needed", "granted", "deployed", "state"),
    [
        (3008, None, False, State.OK),
        (3009, None, False, State.BY_HAND),
        (4096, 10_240, False, State.OK),
        (4096, 3008, False, State.BY_HAND),
        (4096, None, True, State.OK),
    ],
)
def test_memory(needed: int, granted: int | None, deployed: bool, state: State) -> None:
    """No API tells it: how to find out is told where nothing else proves it."""
    verdict = judge.memory(needed, granted=granted, deployed=deployed)
    assert verdict.state is state
    assert bool(verdict.remedy) is (state is State.BY_HAND)


@pytest.mark.parametrize(
    ("wanted", "found", "needed", "state", "remedy"),
    [
        ("docker", {"docker"}, True, State.OK, ""),
        ("podman", {"podman"}, True, State.OK, ""),
        ("docker", {"podman"}, True, State.WRONG, "export CDK_DOCKER=podman"),
        ("podman", {"docker"}, True, State.WRONG, "export CDK_DOCKER=docker"),
        ("docker", set(), True, State.WRONG, "install docker"),
        ("docker", set(), False, State.OK, ""),
        ("docker", set(), None, State.BY_HAND, "install docker"),
    ],
)
def test_image_builder(wanted: str, found: set[str], needed: bool | None, state: State, remedy: str) -> None:
    """Is missed only where an image must be built."""
    verdict = judge.image_builder(wanted, found, needed=needed)
    assert verdict.state is state
    assert remedy in verdict.remedy
    assert bool(remedy) is bool(verdict.remedy)


@pytest.mark.parametrize(
    ("found", "wanted", "state"),
    [
        ("2.1148.1", "2.1148.1", State.OK),
        ("2.1148.2", "2.1148.1", State.WRONG),
        ("24.19.0", ">= 18.0.0", State.OK),
        ("18.0.0", ">= 18.0.0", State.OK),
        ("17.9.9", ">= 18.0.0", State.WRONG),
        ("9.0.0", ">= 18", State.WRONG),
        ("what", ">= 18", State.WRONG),
    ],
)
def test_tools(found: str, wanted: str, state: State) -> None:
    """The very version that is pinned, or one that is new enough; numbers are no text."""
    verdict = judge.tool(found, wanted)
    assert verdict.state is state
    assert ("make install" in verdict.remedy) is (state is State.WRONG)


def test_hosted_zone() -> None:
    """It must be there, that domain's, and public."""
    there = HostedZone(name="acme.example", private=False, servers=SERVERS)
    assert judge.hosted_zone(ZONE, there).state is State.OK
    is_wrong(judge.hosted_zone(ZONE, None), "no such hosted zone", "parent_zone.hosted_zone_id")
    is_wrong(judge.hosted_zone(ZONE, replace(there, name="globex.example")), "is globex.example, not acme.example")
    is_wrong(judge.hosted_zone(ZONE, replace(there, private=True)), "private")


def test_parent_domain() -> None:
    """Who asks for the domain must be led to the zone that the config names."""
    zone = HostedZone(name="acme.example", private=False, servers=SERVERS)
    assert judge.parent_domain(SERVERS, zone).state is State.OK
    assert judge.parent_domain(SERVERS[:1], zone).state is State.OK
    assert judge.parent_domain(("ns.elsewhere.example",), None).state is State.OK
    is_wrong(judge.parent_domain(None, None), "does not exist")
    is_wrong(judge.parent_domain((), zone), "no delegation leads", "ns-1.example.net")
    is_wrong(
        judge.parent_domain(("ns.elsewhere.example",), zone), "is served by ns.elsewhere.example", "ns-2.example.org"
    )
