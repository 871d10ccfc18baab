"""Mail through the active receipt rule set."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailroom.messages import parse

from .conftest import REGION, Stacks
from .receiving import ACCOUNT, inbox, rule


@pytest.fixture
def verified(stacks: Stacks) -> str:
    """A verified domain: its identity, and its DKIM records in a hosted zone."""
    domain = "acme.example"
    records = [
        {
            "Name": {"Fn::GetAtt": ["Identity", f"DkimDNSTokenName{number}"]},
            "Type": "CNAME",
            "TTL": "300",
            "ResourceRecords": [{"Fn::GetAtt": ["Identity", f"DkimDNSTokenValue{number}"]}],
        }
        for number in (1, 2, 3)
    ]
    stacks.deploy(
        {
            "Identity": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": domain}},
            "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": domain}},
            "Records": {
                "Type": "AWS::Route53::RecordSetGroup",
                "Properties": {"HostedZoneId": {"Ref": "Zone"}, "RecordSets": records},
            },
        }
    )
    return domain


MAIL = b"From: a@example.net\r\nTo: b@example.org\r\nSubject: hi\r\n\r\nbody\r\n"


def test_mail_is_stored_as_it_came_with_the_verdicts_on_top(stacks: Stacks, active: Any, verified: str) -> None:
    """A message goes to prefix plus message id; its own bytes are untouched."""
    stacks.deploy(inbox("store", rule("one", "store-mail", [verified])))
    active("store")
    receipt = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION, spam_verdict="FAIL")
    assert receipt.accepted
    (stored,) = receipt.objects
    assert (stored.bucket, stored.key, stored.rule) == ("store-mail", f"raw/{receipt.message_id}", "one")
    body = stacks.client("s3").get_object(Bucket=stored.bucket, Key=stored.key)["Body"].read()
    assert body.endswith(MAIL)
    added = body.removesuffix(MAIL)
    assert b"X-SES-Spam-Verdict: FAIL\r\n" in added
    assert b"X-SES-Virus-Verdict: PASS\r\n" in added


def test_a_rule_that_does_not_scan_adds_no_verdicts(stacks: Stacks, active: Any, verified: str) -> None:
    """ScanEnabled is what adds the verdict headers."""
    stacks.deploy(inbox("noscan", rule("one", "noscan-mail", [verified], ScanEnabled=False)))
    active("noscan")
    (stored,) = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION).objects
    assert b"Verdict" not in stacks.client("s3").get_object(Bucket=stored.bucket, Key=stored.key)["Body"].read()


def test_no_mail_arrives_without_an_active_set(stacks: Stacks, verified: str) -> None:
    """A rule set that is not active receives nothing."""
    stacks.deploy(inbox("idle", rule("one", "idle-mail", [verified])))
    receipt = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION)
    assert not receipt.accepted
    assert receipt.objects == ()
    assert receipt.outcomes[0].reason.startswith("550 5.1.1")


@pytest.mark.parametrize(
    ("conditions", "recipient", "taken"),
    [
        (["Sales@acme.example"], "sales@ACME.example", True),
        (["sales@acme.example"], "sales+spring@acme.example", True),
        (["sales@acme.example"], "help@acme.example", False),
        (["acme.example"], "anyone@acme.example", True),
        (["acme.example"], "anyone@sub.acme.example", False),
        ([".acme.example"], "anyone@sub.acme.example", True),
        ([".acme.example"], "anyone@acme.example", False),
        ([".acme.example"], "anyone@evilacme.example", False),
        (None, "anyone@acme.example", True),
        (None, "anyone@unverified.example", False),
        (["unverified.example"], "anyone@unverified.example", False),
    ],
)
@pytest.mark.usefixtures("verified")
def test_recipients_match_as_their_conditions_say(
    stacks: Stacks, active: Any, conditions: list[str] | None, recipient: str, taken: bool
) -> None:
    """An address with its labels, a domain without subdomains, `.domain` for them alone, none for what is verified."""
    stacks.deploy(inbox("match", rule("one", "match-mail", conditions)))
    try:
        active("match")
        assert stacks.emulator.receive(MAIL, [recipient], REGION).accepted is taken
    finally:
        s3 = stacks.client("s3")
        for each in s3.list_objects_v2(Bucket="match-mail")["Contents"]:
            s3.delete_object(Bucket="match-mail", Key=each["Key"])
        s3.delete_bucket(Bucket="match-mail")
        stacks.client("ses").set_active_receipt_rule_set()


def test_each_recipient_is_answered_for_itself(stacks: Stacks, active: Any, verified: str) -> None:
    """One message to a known and an unknown recipient is stored once."""
    stacks.deploy(inbox("both", rule("one", "both-mail", [f"known@{verified}"])))
    active("both")
    receipt = stacks.emulator.receive(MAIL, [f"known@{verified}", f"unknown@{verified}"], REGION)
    assert [outcome.accepted for outcome in receipt.outcomes] == [True, False]
    assert len(receipt.objects) == 1


def test_each_tenant_gets_a_copy(stacks: Stacks, active: Any, verified: str) -> None:
    """A mail to addresses of two rules is written by both; each copy names one recipient, of its own rule."""
    owners = {"one": [f"a@{verified}", f"b@{verified}"], "two": [f"c@{verified}"]}
    rules = []
    for name, recipients in owners.items():
        action = {"S3Action": {"BucketName": "copies-mail", "ObjectKeyPrefix": f"raw/{name}/"}}
        rules.append(rule(name, "copies-mail", recipients, Actions=[action]))
    stacks.deploy(inbox("copies", *rules))
    active("copies")
    receipt = stacks.emulator.receive(MAIL, [f"c@{verified}", f"b@{verified}", f"a@{verified}"], REGION)
    known = {}
    for one in receipt.objects:
        body = stacks.client("s3").get_object(Bucket=one.bucket, Key=one.key)["Body"].read()
        known[one.rule] = parse(body).envelope.recipients
    assert known == {"one": (f"b@{verified}",), "two": (f"c@{verified}",)}


def test_mail_without_tls_is_refused_where_a_rule_requires_it(stacks: Stacks, active: Any, verified: str) -> None:
    """`Require` refuses before anything is stored; `Optional` takes the message."""
    rules = [
        rule("strict", "tls-mail", [f"a@{verified}"]),
        rule("lax", "tls-mail", [f"b@{verified}"], TlsPolicy="Optional"),
    ]
    stacks.deploy(inbox("tls", *rules))
    active("tls")
    receipt = stacks.emulator.receive(MAIL, [f"a@{verified}", f"b@{verified}"], REGION, tls=False)
    strict, lax = receipt.outcomes
    assert not strict.accepted
    assert "STARTTLS" in strict.reason
    assert lax.accepted
    assert [stored.rule for stored in receipt.objects] == ["lax"]


def test_disabled_rules_are_passed_over_and_stop_ends_the_walk(stacks: Stacks, active: Any, verified: str) -> None:
    """Rules run in order; the first stops, so the one behind it never runs."""
    store = {"S3Action": {"BucketName": "walk-mail", "ObjectKeyPrefix": "raw/"}}
    rules = [
        rule("off", "walk-mail", [verified], Enabled=False),
        rule("first", "walk-mail", [verified]),
        rule("stops", "walk-mail", [verified], Actions=[store, {"StopAction": {"Scope": "RuleSet"}}]),
        rule("never", "walk-mail", [verified]),
    ]
    stacks.deploy(inbox("walk", *rules))
    active("walk")
    receipt = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION)
    assert [stored.rule for stored in receipt.objects] == ["first", "stops"]


def test_a_header_action_adds_its_header(stacks: Stacks, active: Any, verified: str) -> None:
    """What AddHeader adds is in the objects of the actions behind it."""
    actions = [
        {"AddHeaderAction": {"HeaderName": "X-Tenant", "HeaderValue": "acme"}},
        {"S3Action": {"BucketName": "header-mail", "ObjectKeyPrefix": "raw/"}},
    ]
    stacks.deploy(inbox("header", rule("one", "header-mail", [verified], Actions=actions)))
    active("header")
    (stored,) = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION).objects
    body = stacks.client("s3").get_object(Bucket=stored.bucket, Key=stored.key)["Body"].read()
    assert b"X-Tenant: acme\r\n" in body.removesuffix(MAIL)


def test_a_policy_that_changed_since_loses_the_message(stacks: Stacks, active: Any, verified: str) -> None:
    """SES accepts, then fails to write: the receipt says so."""
    stacks.deploy(inbox("lost", rule("one", "lost-mail", [verified])))
    active("lost")
    stacks.client("s3").delete_bucket_policy(Bucket="lost-mail")
    receipt = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION)
    assert receipt.accepted
    assert receipt.objects == ()
    assert "does not let ses.amazonaws.com put" in receipt.failures[0]


def test_a_stored_message_is_announced(stacks: Stacks, active: Any, verified: str) -> None:
    """The bucket's notifications see what SES writes."""
    resources = inbox("notify", rule("one", "notify-mail", [verified]))
    resources["Queue"] = {"Type": "AWS::SQS::Queue"}
    configuration = {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}
    resources["Bucket"]["Properties"]["NotificationConfiguration"] = {"QueueConfigurations": [configuration]}
    _, outputs = stacks.deploy(resources, {"Queue": {"Ref": "Queue"}})
    active("notify")
    (stored,) = stacks.emulator.receive(MAIL, [f"someone@{verified}"], REGION).objects
    keys: list[str] = []
    while stored.key not in keys:
        received = stacks.client("sqs").receive_message(
            QueueUrl=outputs["Queue"], WaitTimeSeconds=2, MaxNumberOfMessages=10
        )["Messages"]
        events = [json.loads(message["Body"]) for message in received]
        keys += [record["s3"]["object"]["key"] for event in events for record in event.get("Records", [])]


def topic(statements: list[dict[str, Any]]) -> dict[str, Any]:
    """A topic with that policy, and a queue that it sends to."""
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    return {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "told"}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": statements}},
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "told"}},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {"Statement": [{**allow, "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}]},
            },
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
    }


def test_topic_is_told_the_envelope_of_each_rule(stacks: Stacks, active: Any, verified: str) -> None:
    """After the object: the recipients that the rule matched, bucket and key, and the header as it is stored; no content."""
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"
    allow = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}
    stacks.deploy(topic([allow]))
    rules = [
        rule(f"rule{number}", "told-mail", recipients)
        for number, recipients in enumerate([[f"a@{verified}", f"b@{verified}"], [f"c@{verified}"]])
    ]
    for one in rules:
        one["Actions"][0]["S3Action"]["TopicArn"] = arn
    stacks.deploy(inbox("told", *rules))
    active("told")
    to = [f"{name}@{verified}" for name in "abc"]
    receipt = stacks.emulator.receive(MAIL, to, REGION, sender="s@example.net")
    assert receipt.failures == ()
    sqs = stacks.client("sqs")
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    found: list[Any] = []
    while len(found) < 2:
        found += sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    told = [json.loads(json.loads(one["Body"])["Message"]) for one in found]
    assert sorted(one["receipt"]["recipients"] for one in told) == [to[:2], to[2:]]
    for one in told:
        action = one["receipt"]["action"]
        assert (action["bucketName"], action["objectKey"]) == ("told-mail", f"raw/{receipt.message_id}")
        lines = {field["name"]: field["value"] for field in one["mail"]["headers"]}
        assert f"for {one['receipt']['recipients'][0]};" in lines["Received"]
        assert "body" not in json.dumps(one)


def test_long_header_is_cut() -> None:
    """As SES cuts it after 10 KB, which the notification says."""
    from emulator.inbound import Delivery, Message, _notification

    raw = b"Subject: hi\r\n" + b"X-Long: " + b"x" * 20_000 + b"\r\n\r\nbody"
    message = Message(raw, ("a@b.example",), "s@example.net", True, "PASS", "PASS")
    text = _notification(message, ["a@b.example"], Delivery("bucket", "raw/1", "set", "rule"), raw, "arn")
    mail = json.loads(text)["mail"]
    assert (mail["headersTruncated"], [one["name"] for one in mail["headers"]]) == (True, ["Subject"])
