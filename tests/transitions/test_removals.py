"""The judge's verdicts on a deletion, from two templates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.transitions import changes_of_removal, removal

POLICIES = ("Retain", "RetainExceptOnCreate", "Delete", None)
DATA = {
    "AWS::S3::Bucket": "bucket",
    "AWS::Route53::HostedZone": "hosted zone",
    "AWS::DynamoDB::Table": "table",
    "AWS::KMS::Key": "key",
}


def resource(type_: str, policy: str | None) -> dict[str, Any]:
    """A resource under a deletion policy."""
    return {"Type": type_, **({"DeletionPolicy": policy} if policy is not None else {})}


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """A template of resources by logical id."""
    return {"Resources": resources}


templates = st.dictionaries(
    st.sampled_from(["A", "B", "C"]),
    st.builds(resource, st.sampled_from([*DATA, "AWS::SNS::Topic", "AWS::IAM::Role"]), st.sampled_from(POLICIES)),
).map(lambda resources: {"Resources": resources})


@pytest.mark.parametrize("kept", ["Retain", "RetainExceptOnCreate"])
@pytest.mark.parametrize("type_", DATA)
@pytest.mark.parametrize("gone", ["Delete", None])
def test_data_that_is_treated_otherwise_is_a_change(kept: str, type_: str, gone: str | None) -> None:
    """Both ways, for each kind of data; the same treatment by another word is none."""
    keeps, deletes = template(X=resource(type_, kept)), template(X=resource(type_, gone))
    (change,) = changes_of_removal(keeps, deletes)
    assert change.text == f"its {DATA[type_]} is kept by the deployed stack, and is deleted by the config"
    (change,) = changes_of_removal(deletes, keeps)
    assert change.text == f"its {DATA[type_]} is deleted by the deployed stack, and is kept by the config"
    for same in ("Retain", "RetainExceptOnCreate"):
        assert changes_of_removal(keeps, template(X=resource(type_, same))) == ()


def test_what_the_config_no_longer_has_is_a_change_where_it_would_go() -> None:
    """A zone that the config no longer knows is not deleted unawares; one that is kept stays, and one to come is not there."""
    (change,) = changes_of_removal(template(Zone=resource("AWS::Route53::HostedZone", "Delete")), template())
    assert change.text == "its hosted zone is deleted by the deployed stack, and is none by the config"
    assert changes_of_removal(template(Zone=resource("AWS::Route53::HostedZone", "Retain")), template()) == ()
    assert changes_of_removal(template(), template(Zone=resource("AWS::Route53::HostedZone", "Delete"))) == ()


def test_removal_is_told_in_words() -> None:
    """What is kept, what is deleted, several of a kind counted; what tells nobody anything is left out."""
    made = template(
        Bucket=resource("AWS::S3::Bucket", "RetainExceptOnCreate"),
        Table=resource("AWS::DynamoDB::Table", "Delete"),
        Queue=resource("AWS::SQS::Queue", None),
        DeadLetters=resource("AWS::SQS::Queue", None),
        Role=resource("AWS::IAM::Role", None),
    )
    found = removal(made)
    assert found.text == "keeps its bucket, and deletes its 2 queues and table"
    assert (found.tables, found.buckets) == (("Table",), ())
    assert removal(template()).text == "finds nothing that holds data"
    assert removal({}).text == "finds nothing that holds data"


@given(deployed=templates, wanted=templates)
def test_without_a_change_the_deployed_data_meets_the_wanted_end(
    deployed: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """No data goes that the new template would keep or not know, and none stays that it would delete."""
    changed = {change.logical_id for change in changes_of_removal(deployed, wanted)}
    for logical_id, one in deployed["Resources"].items():
        if one["Type"] not in DATA:
            assert logical_id not in changed
            continue
        goes = one.get("DeletionPolicy") in {"Delete", None}
        new = wanted["Resources"].get(logical_id)
        known = new is not None and new["Type"] in {*DATA, "AWS::SNS::Topic"}
        would_go = known and new.get("DeletionPolicy") in {"Delete", None}
        assert (logical_id in changed) == ((goes and not would_go) or (not goes and would_go))
