"""The scanner's topic, on which SES names the recipients of mail."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from constructs_lib import AttachmentScanner, AttachmentScannerProps, SignatureMirror
from tests.templates import new_stack, only, resources, template_of


def envelopes_template(**settings: Any) -> Template:
    """Template of a stack with a scanner whose topic is used."""
    stack = new_stack()
    mirror = SignatureMirror(stack, "Definitions")
    made = AttachmentScanner(stack, "Scanner", AttachmentScannerProps(definitions=mirror.bucket, **settings)).scanner
    assert made.topic_arn is not None
    assert len(made.ready) == 4
    return template_of(stack)


def test_scanner_of_files_alone_has_no_topic() -> None:
    """SES tells of mail only, and a key costs by the month."""
    stack = new_stack()
    mirror = SignatureMirror(stack, "Definitions")
    AttachmentScanner(stack, "Scanner", AttachmentScannerProps(definitions=mirror.bucket))
    template = template_of(stack)
    assert not resources(template, "AWS::SNS::Topic")
    assert not resources(template, "AWS::KMS::Key")


@pytest.mark.parametrize("sorted_", [True, False])
def test_receipt_rules_of_the_account_tell_whom_mail_is_for(sorted_: bool) -> None:
    """SES alone publishes, for this account's rules; SNS wraps it, and sends to the queue of arrivals; both over TLS."""
    template = envelopes_template(sorts_arrivals=sorted_)
    (topic,) = resources(template, "AWS::SNS::Topic")
    deny, allow = only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (allow["Principal"], allow["Action"]) == ({"Service": "ses.amazonaws.com"}, "sns:Publish")
    assert allow["Condition"].keys() == {"StringEquals", "ArnLike"}
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert allow["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1].endswith(":receipt-rule-set/*")
    subscription = only(template, "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["TopicArn"]) == ("sqs", {"Ref": topic})
    assert "Arrivals" in subscription["Endpoint"]["Fn::GetAtt"][0]
    assert "RawMessageDelivery" not in subscription
    sends = [
        statement
        for one in resources(template, "AWS::SQS::QueuePolicy").values()
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "sns.amazonaws.com"}
    ]
    assert [one["Condition"] for one in sends] == [{"ArnEquals": {"aws:SourceArn": {"Ref": topic}}}]


def test_topic_has_a_key_that_ses_may_use() -> None:
    """The customer's, which SNS needs for the queue as well; that of other topics; or one of its own."""
    stack = new_stack()
    key = kms.Key(stack, "Key")
    mirror = SignatureMirror(stack, "Definitions")
    props = AttachmentScannerProps(definitions=mirror.bucket, encryption_key=key)
    assert AttachmentScanner(stack, "Scanner", props).scanner.topic_arn
    template = template_of(stack)
    (name,) = resources(template, "AWS::KMS::Key")
    assert only(template, "AWS::SNS::Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": [name, "Arn"]}
    services = [one["Principal"].get("Service") for one in only(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"]]
    assert "ses.amazonaws.com" in services
    assert "sns.amazonaws.com" in services
    shared = "arn:aws:kms:eu-central-1:111111111111:key/topics"
    assert only(envelopes_template(topics_key_arn=shared), "AWS::SNS::Topic")["KmsMasterKeyId"] == shared
    own = only(envelopes_template(), "AWS::KMS::Key")
    assert own["EnableKeyRotation"]
    (_, ses) = own["KeyPolicy"]["Statement"]
    assert (ses["Principal"], ses["Condition"]) == (
        {"Service": "ses.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    )
