"""Receipt rule sets and receipt rules."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import REGION, Stacks, code_of
from .receiving import ACCOUNT, described, inbox, policy, rule


def test_a_rule_is_created_with_all_it_says(stacks: Stacks) -> None:
    """Recipients, TLS policy, scan and the S3 action arrive; SES leaves its setup message in the bucket."""
    stacks.deploy(inbox("full", rule("one", "full-mail", ["acme.example", ".acme.example"])))
    (found,) = described(stacks, "full")
    assert found == {
        "Name": "one",
        "Enabled": True,
        "TlsPolicy": "Require",
        "Recipients": [".acme.example", "acme.example"],
        "Actions": [{"S3Action": {"BucketName": "full-mail", "ObjectKeyPrefix": "raw/"}}],
        "ScanEnabled": True,
    }
    keys = [each["Key"] for each in stacks.client("s3").list_objects_v2(Bucket="full-mail")["Contents"]]
    assert keys == ["raw/AMAZON_SES_SETUP_NOTIFICATION"]


def test_rules_stand_where_after_puts_them(stacks: Stacks) -> None:
    """A rule without After comes first, another behind the one it names."""
    stacks.deploy(inbox("order", *(rule(name, "order-mail", ["acme.example"]) for name in ("a", "b", "c"))))
    assert [each["Name"] for each in described(stacks, "order")] == ["a", "b", "c"]


def test_a_rule_is_updated_in_place(stacks: Stacks) -> None:
    """A change of its content keeps a rule's position."""
    rules = [rule(name, "change-mail", ["acme.example"]) for name in ("a", "b")]
    name, _ = stacks.deploy(inbox("change", *rules))
    rules[0] |= {"Enabled": False, "TlsPolicy": "Optional", "Recipients": ["new.example"], "ScanEnabled": "false"}
    stacks.deploy(inbox("change", *rules), stack=name)
    first, second = described(stacks, "change")
    assert (first["Name"], second["Name"]) == ("a", "b")
    assert (first["Enabled"], first["TlsPolicy"], first["ScanEnabled"]) == (False, "Optional", False)
    assert first["Recipients"] == ["new.example"]


def test_a_renamed_rule_replaces_the_old_one(stacks: Stacks) -> None:
    """The name of a rule is create-only."""
    name, _ = stacks.deploy(inbox("rename", rule("old", "rename-mail", [])))
    stacks.deploy(inbox("rename", rule("new", "rename-mail", [])), stack=name)
    assert [each["Name"] for each in described(stacks, "rename")] == ["new"]


def test_a_rule_goes_with_its_stack(stacks: Stacks) -> None:
    """Rules and sets are deleted; a set without a name has one from its stack."""
    name, outputs = stacks.deploy({"Set": {"Type": "AWS::SES::ReceiptRuleSet"}}, {"Name": {"Ref": "Set"}})
    assert outputs["Name"].startswith(name)
    stacks.delete(name)
    with pytest.raises(ClientError) as caught:
        described(stacks, outputs["Name"])
    assert code_of(caught) == "RuleSetDoesNotExist"


def test_update_receipt_rule_says_what_does_not_exist(stacks: Stacks) -> None:
    """UpdateReceiptRule refuses an unknown set, and an unknown rule."""
    ses = stacks.client("ses")
    with pytest.raises(ClientError) as caught:
        ses.update_receipt_rule(RuleSetName="nowhere", Rule={"Name": "x"})
    assert code_of(caught) == "RuleSetDoesNotExist"
    stacks.deploy(inbox("unknown"))
    with pytest.raises(ClientError) as caught:
        ses.update_receipt_rule(RuleSetName="unknown", Rule={"Name": "x"})
    assert code_of(caught) == "RuleDoesNotExist"


def test_a_bucket_that_does_not_exist_is_refused(stacks: Stacks) -> None:
    """SES tries the bucket while the rule is made."""
    reason = stacks.refusal(inbox("nobucket", rule("one", "elsewhere", [])))
    assert "InvalidS3Configuration" in reason
    assert "elsewhere does not exist" in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "s3.amazonaws.com"}},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::denied-mail/other/*"},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}},
        {
            "Condition": {
                "ArnEquals": {
                    "AWS:SourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:receipt-rule-set/denied:receipt-rule/two"
                }
            }
        },
        {"Effect": "Deny"},
    ],
    ids=["principal", "action", "prefix", "account", "rule", "deny"],
)
def test_a_bucket_that_ses_may_not_write_is_refused(stacks: Stacks, changes: dict[str, Any]) -> None:
    """The bucket's policy must allow exactly this rule of this account to write to exactly this prefix."""
    resources = inbox("denied", rule("one", "denied-mail", []))
    resources["Bucket"]["DeletionPolicy"] = "Delete"
    resources["Policy"]["Properties"]["PolicyDocument"] = policy("denied-mail", "denied", "one", **changes)
    assert "InvalidS3Configuration" in stacks.refusal(resources)


def test_a_kms_key_that_ses_may_not_use_is_refused(stacks: Stacks) -> None:
    """A bucket with a key of its own needs SES in that key's policy as well."""
    account = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    ses = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Resource": "*",
    }

    def resources(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
        found = inbox(name, rule("one", f"{name}-mail", []))
        key_policy = {"Version": "2012-10-17", "Statement": [account, *statements]}
        found["Key"] = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy}}
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}}
        found["Bucket"]["Properties"]["BucketEncryption"] = {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]
        }
        return found

    assert "the policy of KMS key" in stacks.refusal(resources("nokey", account))
    stacks.deploy(resources("withkey", account, ses))


def test_the_201st_rule_of_a_set_is_refused(stacks: Stacks) -> None:
    """A set takes 200 rules."""
    ses = stacks.client("ses")
    ses.create_receipt_rule_set(RuleSetName="many")
    for number in range(200):
        ses.create_receipt_rule(RuleSetName="many", Rule={"Name": f"r{number}"})
    with pytest.raises(ClientError) as caught:
        ses.create_receipt_rule(RuleSetName="many", Rule={"Name": "one-more"})
    assert code_of(caught) == "LimitExceeded"


def test_the_101st_recipient_of_a_rule_is_refused(stacks: Stacks) -> None:
    """A rule takes 100 recipients."""
    recipients = [f"d{number}.example" for number in range(101)]
    assert "LimitExceeded" in stacks.refusal(inbox("wide", rule("one", "wide-mail", recipients)))


def test_a_topic_that_does_not_exist_is_refused(stacks: Stacks) -> None:
    """An action's topic must be there."""
    missing = {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:missing", "Encoding": "UTF-8"}
    resources = inbox("topic", rule("one", "topic-mail", [], Actions=[{"SNSAction": missing}]))
    assert "InvalidSnsTopic" in stacks.refusal(resources)


def test_a_misspelt_property_is_refused(stacks: Stacks) -> None:
    """CloudFormation knows the names of a rule's properties."""
    reason = stacks.refusal(inbox("spelling", rule("one", "spelling-mail", [], TLSPolicy="Require")))
    assert "extraneous key [TLSPolicy] is not permitted" in reason


def test_the_active_set_is_not_deleted(stacks: Stacks, active: Any) -> None:
    """DeleteReceiptRuleSet refuses the set that receives mail, and the stack stays."""
    name, _ = stacks.deploy(inbox("busy"))
    active("busy")
    with pytest.raises(ClientError) as caught:
        stacks.client("ses").delete_receipt_rule_set(RuleSetName="busy")
    assert code_of(caught) == "CannotDelete"
    with pytest.raises(AssertionError, match="CannotDelete"):
        stacks.delete(name)
