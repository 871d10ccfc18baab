"""Tenants by the tags of their buckets."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from mailroom.errors import RetryableError
from mailroom.scanning.active.risks import OFF, STANDARD, STRICT, ActiveContent, Reaction
from mailroom.scanning.recipients import Recipients
from mailroom.scanning.tags import POLICY_TAG, Recipient, recipient_from, tags_of
from mailroom.scanning.verdicts import Action, Policy
from tests.mailroom.scanning.conftest import REGION

ACME = Recipient(tenant="acme", topic_arn="arn:aws:sns:eu-central-1:000000000000:alerts", policy=Policy())
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(clean=clean, infected=infected, encrypted=encrypted, over_limit=over_limit)
        for clean, infected, encrypted, over_limit in itertools.product(
            (Action.DELIVER, Action.HOLD), (Action.STRIP, Action.HOLD, Action.DELETE), Action, Action
        )
    ],
)
def test_reads_what_it_wrote(policy: Policy) -> None:
    """Every policy, in characters and lengths that tags take."""
    for mail in (None, Action.DELIVER, Action.HOLD):
        said = Recipient(tenant="acme", topic_arn=ACME.topic_arn, policy=replace(policy, encrypted_mail=mail))
        assert recipient_from(tags_of(said)) == said
        for active in (OFF, STANDARD, STRICT, ActiveContent(macros=Reaction.HOLD, pdf_actions=Reaction.DELIVER)):
            more = replace(said, policy=replace(said.policy, active_content=active))
            assert recipient_from(tags_of(more)) == more
            assert all(len(value) <= 256 for value in tags_of(more).values())
    said = Recipient(tenant="acme", topic_arn=ACME.topic_arn, policy=replace(policy, encrypted_mail=Action.DELIVER))
    tags = tags_of(said)
    assert recipient_from(tags) == said
    assert recipient_from(tags_of(replace(said, mail=True))) == replace(said, mail=True)
    assert all(
        len(value) <= 256 and set(value) <= set("=:- /._@+") | set(map(chr, range(48, 123))) for value in tags.values()
    )


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "clean=deliver infected=strip encrypted=hold",
        "clean=deliver infected=deliver encrypted=hold over-limit=hold",
        "clean=deliver infected=strip encrypted=hold over-limit=hold encrypted-mail=strip",
        "clean=delete infected=strip encrypted=hold over-limit=hold",
        "clean=deliver infected=strip encrypted=open over-limit=hold",
        "clean=deliver infected=strip encrypted=hold over-limit=hold error=deliver",
    ],
)
def test_policy_that_none_may_be(policy: str) -> None:
    """Missing verdicts, unknown ones, actions that are not allowed: nothing is guessed."""
    with pytest.raises(ValueError, match=r"tag |policy: |Action"):
        recipient_from({**tags_of(ACME), POLICY_TAG: policy})


@given(st.dictionaries(st.sampled_from([*tags_of(ACME), "other"]), st.text(max_size=80)))
def test_any_tags(tags: dict[str, str]) -> None:
    """A recipient, or ValueError; never another error, and never one that delivers malware."""
    try:
        found = recipient_from(tags)
    except ValueError:
        return
    assert found.policy.infected is not Action.DELIVER


def test_bucket_with_tags(emulator: Emulator) -> None:
    """Asked once in five minutes; a bucket without them is to be tried again."""
    s3 = emulator.client("s3", REGION)
    s3.create_bucket(Bucket="tagged", CreateBucketConfiguration={"LocationConstraint": REGION})
    now = [NOW]
    recipients = Recipients(s3=s3, clock=lambda: now[0])
    with pytest.raises(RetryableError, match="tagged: cannot tell whose it is"):
        recipients.of("tagged")
    s3.put_bucket_tagging(
        Bucket="tagged", Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags_of(ACME).items()]}
    )
    assert recipients.of("tagged") == ACME
    s3.delete_bucket_tagging(Bucket="tagged")
    now[0] += timedelta(minutes=4)
    assert recipients.of("tagged") == ACME
    now[0] += timedelta(minutes=1)
    with pytest.raises(RetryableError, match="deploy its tenant again"):
        recipients.of("tagged")


def test_tag_of_before_says_nothing_of_active_content() -> None:
    """A tenant that was deployed before has what it had; one that asks for none has the same tag."""
    tags = tags_of(replace(ACME, policy=Policy(active_content=OFF)))
    assert "programs" not in tags[POLICY_TAG]
    assert recipient_from(tags).policy.active_content == OFF
    with pytest.raises(ValueError, match="sharp"):
        recipient_from({**tags, POLICY_TAG: f"{tags[POLICY_TAG]} macros=sharp"})
