"""SecurityAlerts: topic, key and who may publish."""

from __future__ import annotations

import pytest
from aws_cdk import aws_iam as iam

from constructs_lib import SecurityAlerts, SendingPauses
from tests.templates import new_stack, only, resources, template_of

KEY = "arn:aws:kms:eu-central-1:111111111111:key/k"


def test_topic_is_encrypted_with_a_rotating_key_of_its_own() -> None:
    """Without a key passed, one is made; the topic uses it."""
    stack = new_stack()
    SecurityAlerts(stack, "Alerts", display_name="Alerts")
    template = template_of(stack)
    (key,) = resources(template, "AWS::KMS::Key")
    assert only(template, "AWS::KMS::Key")["EnableKeyRotation"] is True
    assert only(template, "AWS::SNS::Topic") == {
        "DisplayName": "Alerts",
        "KmsMasterKeyId": {"Fn::GetAtt": [key, "Arn"]},
    }


def test_shared_key_is_used_and_none_is_made() -> None:
    """A key costs a fixed sum a month: tenants share their cell's."""
    stack = new_stack()
    SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key_arn=KEY)
    template = template_of(stack)
    template.resource_count_is("AWS::KMS::Key", 0)
    assert only(template, "AWS::SNS::Topic")["KmsMasterKeyId"] == KEY


def test_plain_http_is_denied() -> None:
    """The policy denies publishing without TLS, to everybody, and allows nobody anything."""
    stack = new_stack()
    SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key_arn=KEY)
    (statement,) = only(template_of(stack), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_subscriptions_keep_their_identity_when_others_come_and_go() -> None:
    """Logical ids come from the address: nobody has to confirm again because somebody else left."""

    def subscriptions(*addresses: str) -> dict[str, str]:
        stack = new_stack()
        SecurityAlerts(stack, "Alerts", display_name="Alerts", addresses=addresses, encryption_key_arn=KEY)
        found = resources(template_of(stack), "AWS::SNS::Subscription")
        return {subscription["Properties"]["Endpoint"]: logical_id for logical_id, subscription in found.items()}

    before = subscriptions("a@x.example", "b@x.example")
    after = subscriptions("b@x.example", "c/d@x.example")
    assert before["b@x.example"] == after["b@x.example"]
    assert len(set(before.values())) == 2


def test_topic_is_what_other_constructs_take() -> None:
    """An alarm action or a rule target gets the same topic."""
    stack = new_stack()
    alerts = SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key_arn=KEY)
    assert stack.resolve(alerts.topic().topic_arn) == stack.resolve(alerts.topic_arn)


def test_address_given_twice_is_refused() -> None:
    """One alert a person."""
    with pytest.raises(ValueError, match=r'addresses\[1\] must differ from the others, got "a@x\.example" twice'):
        SecurityAlerts(new_stack(), "Alerts", display_name="A", addresses=["a@x.example", "a@x.example"])


def test_grant_publish_opens_this_topic_only() -> None:
    """The right to use a shared key is bound to this topic by its encryption context."""
    stack = new_stack()
    alerts = SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key_arn=KEY)
    alerts.grant_publish(iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
    template = template_of(stack)
    (topic,) = resources(template, "AWS::SNS::Topic")
    by_action = {str(s["Action"]): s for s in only(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]}
    assert by_action["sns:Publish"]["Resource"] == {"Ref": topic}
    key_use = by_action["['kms:Decrypt', 'kms:GenerateDataKey']"]
    assert key_use["Resource"] == KEY
    assert key_use["Condition"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": {"Ref": topic}}}


def test_alarms_may_publish_where_they_are_let() -> None:
    """CloudWatch of this account may publish, and use the key that is made for the topic."""
    stack = new_stack()
    SecurityAlerts(stack, "Alerts", display_name="Alerts", alarms=True)
    template = template_of(stack)
    for type_, document in (("AWS::SNS::TopicPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy")):
        (statement,) = [s for s in only(template, type_)[document]["Statement"] if s.get("Sid") == "LetAlarmsPublish"]
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_roles_may_publish_by_the_topics_own_policy() -> None:
    """A scanner that serves many topics needs no grant of its own for each."""
    stack, role = new_stack(), "arn:aws:iam::111111111111:role/scanner"
    SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key_arn=KEY, publisher_role_arns=[role])
    statements = only(template_of(stack), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Action"]) == ({"AWS": [role]}, "sns:Publish")


def test_a_cell_has_one_rule_for_pauses_of_all_tenants() -> None:
    """It matches no mail, and its role may publish to that topic, with that topic's part of the key, and nothing else."""
    stack = new_stack()
    alerts = SecurityAlerts(stack, "Alerts", display_name="Alerts", encryption_key_arn=KEY)
    SendingPauses(stack, "Pauses", alerts=alerts)
    template = template_of(stack)
    rule, (topic,) = only(template, "AWS::Events::Rule"), resources(template, "AWS::SNS::Topic")
    assert rule["EventPattern"] == {
        "source": ["aws.ses"],
        "detail-type": ["Sending Status Disabled", "Sending Status Enabled"],
    }
    (target,) = rule["Targets"]
    (role,) = resources(template, "AWS::IAM::Role")
    assert (target["Arn"], target["RoleArn"]) == ({"Ref": topic}, {"Fn::GetAtt": [role, "Arn"]})
    (trust,) = only(template, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert list(trust["Condition"]["StringEquals"]) == ["aws:SourceAccount"]
    statements = only(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert [(one["Action"], one["Resource"]) for one in statements] == [
        (["kms:Decrypt", "kms:GenerateDataKey"], KEY),
        ("sns:Publish", {"Ref": topic}),
    ]
    assert statements[0]["Condition"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": {"Ref": topic}}}
    (policy,) = resources(template, "AWS::IAM::Policy")
    (made,) = resources(template, "AWS::Events::Rule").values()
    assert policy in made["DependsOn"]
