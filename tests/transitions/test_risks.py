"""Risks of an update, from two small templates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.transitions import RiskKind, fates, risks, same_subdomain

DOMAIN = "post.acme.example"


def template(outputs: dict[str, Any] | None = None, **resources: dict[str, Any]) -> dict[str, Any]:
    """A template of resources by logical id."""
    return {"Resources": resources, "Outputs": outputs or {}}


def rule(*recipients: str, after: str = "", enabled: bool = True, name: str = "r") -> dict[str, Any]:
    """A receipt rule that is made after another one."""
    properties = {"RuleSetName": "s", "Rule": {"Name": name, "Enabled": enabled, "Recipients": list(recipients)}}
    return {
        "Type": "AWS::SES::ReceiptRule",
        "Properties": properties,
        **({"DependsOn": [after]} if after else {}),
    }


def zone(policy: str = "RetainExceptOnCreate", replaced: str = "Retain", name: str = DOMAIN) -> dict[str, Any]:
    """A hosted zone."""
    return {
        "Type": "AWS::Route53::HostedZone",
        "Properties": {"Name": f"{name}."},
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": replaced,
    }


def bucket(**properties: Any) -> dict[str, Any]:
    """A bucket that outlives its stack."""
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": properties,
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


def kinds(deployed: dict[str, Any], wanted: dict[str, Any]) -> dict[RiskKind, bool]:
    """Kinds of risks, and whether they are refused."""
    return {one.kind: one.refused for one in risks(deployed, wanted)}


def expiring(days: int | None) -> dict[str, Any]:
    """A bucket whose documents of messages end after so many days."""
    rules = [{"Prefix": "bodies/", "ExpirationInDays": days}] if days else []
    return bucket(LifecycleConfiguration={"Rules": [{"Prefix": "raw/", "ExpirationInDays": 90}, *rules]})


@pytest.mark.parametrize(
    ("before", "after", "deletes"), [(None, 30, True), (90, 30, True), (30, 90, False), (30, None, False)]
)
def test_stored_messages_keep_their_ends_until_an_operator_acts(
    before: int | None, after: int | None, deletes: bool
) -> None:
    """Each change of their retention names the command that brings it to the table; S3 acts by itself."""
    found = risks(template(Bucket=expiring(before)), template(Bucket=expiring(after)))
    assert {one.kind for one in found} == {RiskKind.RETENTION}
    command = "stored messages keep their ends until `email-stack retention TENANT --yes` is run"
    assert [one.text for one in found][-1] == command
    assert len(found) == 1 + deletes
    assert risks(template(Bucket=expiring(before)), template(Bucket=expiring(before))) == ()


def test_nothing_is_at_risk_where_nothing_changes() -> None:
    """The same template, and one with more in it."""
    made = template(Zone=zone(), Bucket=bucket(), Rule0=rule("a@x"))
    assert risks(made, made) == ()
    assert risks(made, template(**made["Resources"], More=bucket())) == ()
    assert risks({}, made) == ()


@pytest.mark.parametrize(
    ("policy", "kind"), [("RetainExceptOnCreate", RiskKind.ZONE), ("Delete", RiskKind.ZONE_DELETED)]
)
def test_a_zone_that_goes_is_refused(policy: str, kind: RiskKind) -> None:
    """By what is deployed: kept it loses its records, else it is deleted."""
    (found,) = risks(template(Zone=zone(policy)), template())
    assert (found.kind, found.refused, found.subject) == (kind, True, DOMAIN)
    assert found.steps


def test_a_zone_that_is_replaced_goes_by_the_new_template() -> None:
    """What CloudFormation then goes by is UpdateReplacePolicy."""
    assert kinds(template(Zone=zone("Delete")), template(Zone=zone(name="b.example"))) == {RiskKind.ZONE: True}
    lost = template(Zone=zone(replaced="Delete", name="b.example"))
    assert kinds(template(Zone=zone()), lost) == {RiskKind.ZONE_DELETED: True}


@pytest.mark.parametrize("live", [True, False])
def test_another_subdomain_is_refused_while_the_old_one_is_live(live: bool) -> None:
    """Off, nothing is received or sent that could be lost; the zone is left behind and named."""
    identity = {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": DOMAIN}}
    other = {**identity, "Properties": {"EmailIdentity": "b.example"}}
    deployed = template(Identity=identity, Zone=zone(), Rule0=rule(f"a@{DOMAIN}", enabled=live))
    wanted = template(Identity=other, Zone=zone(name="b.example"), Rule0=rule("a@b.example", enabled=live))
    assert kinds(deployed, wanted) == {RiskKind.RENAMED: live, RiskKind.LEFT: False}
    assert same_subdomain(deployed, deployed)
    assert not same_subdomain(deployed, wanted)
    assert not same_subdomain(template(), template())


@pytest.mark.parametrize("type_", ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key"])
def test_data_that_goes_or_is_made_anew_is_refused(type_: str) -> None:
    """Kept or not: nobody finds what was in it by the stack any more."""
    made = {"Type": type_, "Properties": {}, "DeletionPolicy": "Retain"}
    assert kinds(template(X=made), template()) == {RiskKind.DATA: True}
    assert kinds(template(X=made), template(X={**made, "Type": "AWS::SNS::Topic"})) == {RiskKind.DATA: True}


def test_what_refers_to_what_is_replaced_is_replaced() -> None:
    """Through a property that cannot change; through another one it is not."""
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}}}
    reader = {"Type": "AWS::IAM::Policy", "Properties": {"Resource": {"Fn::GetAtt": ["B", "Arn"]}}}
    deployed = template(B=bucket(BucketName="one"), P=policy, R=reader)
    assert fates(deployed, template(B=bucket(BucketName="two"), P=policy, R=reader)) == {
        "B": "replaced",
        "P": "replaced",
        "R": "stays",
    }


def test_addresses_that_move_up_have_no_rule_for_a_moment() -> None:
    """Rule 0 drops the last one before rule 1 takes it; moving down, and by the whole domain, there is always one."""
    two = template(A=rule(f"a@{DOMAIN}", f"b@{DOMAIN}"), B=rule(f"c@{DOMAIN}", after="A"))
    more = template(A=rule(f"z@{DOMAIN}", f"a@{DOMAIN}"), B=rule(f"b@{DOMAIN}", f"c@{DOMAIN}", after="A"))
    (found,) = risks(two, more)
    assert (found.kind, found.refused, found.subject) == (RiskKind.RULES, True, f"b@{DOMAIN}")
    assert risks(more, two) == ()
    every = template(A=rule(DOMAIN))
    assert risks(two, every) == ()
    (found,) = risks(every, two)
    assert found.subject == f"c@{DOMAIN}"
    assert risks(every, template(A=rule(f"a@{DOMAIN}", f"b@{DOMAIN}"))) == ()
    # What is off takes nothing, before or after.
    off = template(A=rule(f"a@{DOMAIN}", f"b@{DOMAIN}", enabled=False), B=rule(f"c@{DOMAIN}", after="A", enabled=False))
    assert risks(off, more) == ()
    assert risks(two, off) == ()


def test_a_rule_set_that_is_made_anew_is_refused() -> None:
    """Every tenant of the cell has its rules in the old one."""
    made = {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": "one"}}
    other = {**made, "Properties": {"RuleSetName": "two"}}
    assert kinds(template(S=made), template(S=other)) == {RiskKind.RULES: True}


def test_exports_that_change_are_named() -> None:
    """Dropped, another value, or a value of something that is replaced; the same one is no change."""

    def output(value: Any) -> dict[str, Any]:
        return {"O": {"Value": value, "Export": {"Name": "shared"}}}

    name = {"Fn::GetAtt": ["B", "Arn"]}
    deployed = template(output(name), B=bucket(BucketName="one"))
    assert risks(deployed, deployed) == ()
    for wanted in (
        template({}, B=bucket(BucketName="one")),
        template(output("x"), B=bucket(BucketName="one")),
        template(output(name), B=bucket(BucketName="two")),
    ):
        assert "shared" in {one.subject for one in risks(deployed, wanted) if one.kind is RiskKind.EXPORT}


def test_delegation_by_a_record_of_ours() -> None:
    """Without it nobody is led to the zone; another parent's is written before the old one goes."""

    def ns(parent: str) -> dict[str, Any]:
        properties = {"Type": "NS", "Name": f"{DOMAIN}.", "HostedZoneId": parent}
        return {"Type": "AWS::Route53::RecordSet", "Properties": properties}

    deployed = template(Zone=zone(), Ns=ns("Z1"), Rule0=rule(f"a@{DOMAIN}"))
    assert kinds(deployed, template(Zone=zone(), Rule0=rule(f"a@{DOMAIN}"))) == {RiskKind.DELEGATION: True}
    assert kinds(deployed, template(Zone=zone(), Ns=ns("Z2"), Rule0=rule(f"a@{DOMAIN}"))) == {}
    (found,) = risks(deployed, template(Rule0=rule(f"a@{DOMAIN}")))
    assert (found.kind, "drop parent_zone alone first" in found.steps[0]) == (RiskKind.ZONE, True)


names = st.sampled_from("ABC")
addresses = st.sets(st.sampled_from([f"{one}@{DOMAIN}" for one in "abcd"] + [DOMAIN]), min_size=1)


@given(before=st.dictionaries(names, addresses, min_size=1), after=st.dictionaries(names, addresses, min_size=1))
def test_an_address_that_stays_in_its_rule_is_never_without_one(
    before: dict[str, set[str]], after: dict[str, set[str]]
) -> None:
    """Whatever else moves; and nobody is named who had no rule before, or has none afterwards."""
    deployed, wanted = (
        template(**{name: rule(*sorted(held), name=name) for name, held in side.items()}) for side in (before, after)
    )
    found = {one.subject for one in risks(deployed, wanted) if one.kind is RiskKind.RULES}
    stays = {one for name in before.keys() & after.keys() for one in before[name] & after[name]}
    assert not found & stays
    for one in found:
        assert {one, DOMAIN} & set().union(*before.values())
        assert one in set().union(*after.values())
