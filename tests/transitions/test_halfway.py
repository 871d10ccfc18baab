"""The template to deploy before a change, so that the change loses nothing; from two small templates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_stack.transitions import RiskKind, Template, fates, halfway, risks
from email_stack.transitions.receiving import uncovered
from tests.transitions.test_risks import DOMAIN, addresses, names, rule, template, zone

POLICY = "arn:aws:ses:eu-central-1:111111111111:receipt-rule-set/s:receipt-rule/"


def inbox(*rules: tuple[str, ...], moving: bool = False) -> dict[str, Any]:
    """A bucket's policy, and rules that are made one after the other, after it."""
    made: dict[str, Any] = {}
    named = [f"acme-{number}" for number in range(len(rules))]
    arns = [POLICY + name for name in (*named, *(["acme-moving"] if moving else []))]
    statement = {"Condition": {"StringEquals": {"aws:SourceAccount": "1", "aws:SourceArn": arns}}}
    document = {"Statement": [{"Effect": "Deny"}, statement]}
    made["Policy"] = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "b", "PolicyDocument": document}}
    before = "Policy"
    for number, (name, recipients) in enumerate(zip(named, rules, strict=True)):
        made[f"Rule{number}"] = rule(*recipients, after=before, name=name)
        before = f"Rule{number}"
    return template(**made)


def lost(deployed: Template, wanted: Template) -> tuple[str, ...]:
    """Addresses that have no rule for a moment of the update."""
    return uncovered(deployed, wanted, fates(deployed, wanted))


def at(*locals_: str) -> tuple[str, ...]:
    """Addresses of the domain."""
    return tuple(f"{one}@{DOMAIN}" for one in locals_)


def test_addresses_that_move_have_a_rule_meanwhile() -> None:
    """One more, in whose favour the policy speaks; nothing else differs, and after it the change is no risk."""
    deployed, wanted = inbox(at("a", "b"), at("c")), inbox(at("z", "a"), at("b", "c"), moving=True)
    assert lost(deployed, wanted) == at("b")
    between = halfway(deployed, wanted)
    assert between is not None
    assert between.texts == ("add the receipt rule acme-moving, which takes 1 of its addresses",)
    made = between.template["Resources"]
    moving = made["MovingRule"]
    assert moving["Properties"]["Rule"]["Recipients"] == list(at("b"))
    assert moving["DependsOn"] == ["Rule1"]
    (_, statement) = made["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    arns = [POLICY + name for name in ("acme-0", "acme-1", "acme-moving")]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "1", "aws:SourceArn": arns}
    rest = {name: one for name, one in made.items() if name not in {"MovingRule", "Policy"}}
    assert rest == {name: one for name, one in deployed["Resources"].items() if name != "Policy"}
    assert risks(deployed, between.template) == ()
    assert risks(between.template, wanted) == ()
    # Whoever was interrupted goes on: there is nothing to do in between any more.
    assert halfway(between.template, wanted) is None


def test_a_policy_that_names_the_rule_stays() -> None:
    """As those of today's release do."""
    between = halfway(inbox(at("a", "b"), at("c"), moving=True), inbox(at("z", "a"), at("b", "c"), moving=True))
    assert between is not None
    assert between.template["Resources"]["Policy"] == inbox(at("a", "b"), at("c"), moving=True)["Resources"]["Policy"]


def test_more_than_a_rule_holds_are_all_of_the_domain() -> None:
    """From every address to hundreds of them, one recipient takes them all meanwhile."""
    every, many = inbox((DOMAIN,)), inbox(at("a", "b"), at("c", "d"), at("e", "f"))
    between = halfway(every, many)
    assert between is not None
    assert between.texts == (f"add the receipt rule acme-moving, which takes every address of {DOMAIN} meanwhile",)
    assert between.template["Resources"]["MovingRule"]["Properties"]["Rule"]["Recipients"] == [DOMAIN]
    assert (lost(every, many), lost(between.template, many)) == (at("c", "d", "e", "f"), ())


def test_nothing_in_between_where_nothing_is_lost() -> None:
    """The same, more, and what no template can save."""
    made = inbox(at("a"))
    assert halfway(made, made) is None
    assert halfway(made, inbox(at("a", "b"))) is None
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {}}
    assert halfway(template(Bucket=bucket), template()) is None
    assert halfway({}, made) is None


def test_a_record_that_delegates_is_kept() -> None:
    """Then it is left in the parent zone, where it led to the zone before and does afterwards."""
    properties = {"Type": "NS", "Name": f"{DOMAIN}.", "HostedZoneId": "Z1"}
    record = {"Type": "AWS::Route53::RecordSet", "Properties": properties}
    rules = inbox(at("a"))["Resources"]
    deployed, wanted = template(Zone=zone(), Ns=record, **rules), template(Zone=zone(), **rules)
    (refused,) = risks(deployed, wanted)
    assert (refused.kind, refused.refused, refused.movable) == (RiskKind.DELEGATION, True, True)
    between = halfway(deployed, wanted)
    assert between is not None
    assert between.texts == (f"keep the NS record of {DOMAIN} in its parent zone when the stack drops it",)
    kept = between.template["Resources"]["Ns"]
    assert kept["DeletionPolicy"] == "Retain"
    assert (kept["Properties"], kept["Metadata"]) == (properties, {"email-subdomain:kept": "move"})
    assert risks(deployed, between.template) == ()
    (told,) = risks(between.template, wanted)
    assert (told.kind, told.refused) == (RiskKind.LEFT, False)
    assert halfway(between.template, wanted) is None
    # With the zone itself, the record has to go: its owner's own records take its place.
    without = halfway(template(Zone=zone(), Ns=record), template())
    assert without is None


def test_a_zone_of_an_older_release_is_kept() -> None:
    """Whether it then loses its records is asked of DNS, as of any other."""
    between = halfway(template(Zone=zone("Delete", "Delete")), template())
    assert between is not None
    assert between.texts == (f"keep the hosted zone {DOMAIN} when the stack drops it",)
    (found,) = risks(between.template, template())
    assert found.kind is RiskKind.ZONE
    assert halfway(between.template, template()) is None


def test_what_move_does_not_go_around_is_said() -> None:
    """Each risk that it is said of has something in between, and no other has."""
    pairs = [
        (inbox(at("a", "b"), at("c")), inbox(at("z", "a"), at("b", "c"))),
        (template(Zone=zone("Delete")), template()),
        (template(Zone=zone("Delete")), template(Zone=zone(replaced="Delete", name="b.example"))),
        (template(Zone=zone()), template()),
        (template(Table={"Type": "AWS::DynamoDB::Table"}), template()),
    ]
    for deployed, wanted in pairs:
        (found,) = risks(deployed, wanted)
        assert found.movable == (halfway(deployed, wanted) is not None)
        assert found.movable == any("email-stack move" in step for step in found.steps)


@pytest.mark.parametrize("moving", [False, True])
@example(before={"A": set(at("a", "b"))}, after={"A": set(at("c")), "B": set(at("a", "b"))})
@given(before=st.dictionaries(names, addresses, min_size=1), after=st.dictionaries(names, addresses, min_size=1))
def test_no_address_is_ever_without_a_rule(
    moving: bool, before: dict[str, set[str]], after: dict[str, set[str]]
) -> None:
    """Neither on the way to what is in between nor from there, whatever moves; also where it was gone half before."""
    deployed, wanted = (
        template(**{name: rule(*sorted(held), name=f"acme-{name}") for name, held in side.items()})
        for side in (before, after)
    )
    if moving:
        deployed["Resources"]["MovingRule"] = rule(f"a@{DOMAIN}", name="acme-moving")
    between = halfway(deployed, wanted)
    if between is None:
        assert lost(deployed, wanted) == ()
        return
    assert lost(deployed, wanted)
    assert lost(between.template, wanted) == ()
    if not moving:
        assert lost(deployed, between.template) == ()
    assert halfway(between.template, wanted) is None
