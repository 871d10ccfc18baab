"""The topic that tells operators of detections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import FLAG, Rule, check_props, each, optional, text
from constructs_lib.faults import RuleError, shown
from constructs_lib.intrinsics import account_id

__all__ = ["SecurityAlerts", "alarms_use_key"]


def _name(value: str) -> str:
    """Source: SNS API reference, "SetTopicAttributes", DisplayName."""
    if not value.isprintable() or not 1 <= len(value) <= _MOST_NAME_CHARACTERS:
        raise RuleError.one(f"must be 1 to {_MOST_NAME_CHARACTERS} printable characters", "shorten it")
    return value


_MOST_NAME_CHARACTERS: Final = 100
_RULES: Final[dict[str, Rule]] = {
    "display_name": text(_name, "Mail security"),
    "addresses": rules.MAILBOXES,
    "publisher_role_arns": each(rules.ROLE_ARN),
    "alarms": FLAG,
    "encryption_key_arn": optional(rules.KEY_ARN),
}


class SecurityAlerts(Construct):
    """An encrypted SNS topic that sends security alerts by e-mail.

    Creates 1 topic, 1 topic policy (TLS only), 1 e-mail subscription an address, and 1 KMS key unless one is passed. SNS asks
    each address to confirm its subscription before it sends anything.

    Args:
        display_name: sender name of the e-mails, at most 100 characters.
        addresses: e-mail addresses to alert. Default: none.
        publisher_role_arns: roles of this account that may publish; they need the key as well. Default: none.
        alarms: whether CloudWatch's alarms of this account may publish; a key that is passed must let them. Default: False.
        encryption_key_arn: key shared by several topics; a key costs a fixed sum a month. Default: None, a key of its own.

    Raises:
        ValueError: an address is given twice, or a text holds `{{` or a `${` that is no token (`check_texts`).

    Source: SNS developer guide, "Securing Amazon SNS data with server-side encryption", "Email notifications".
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        display_name: str,
        addresses: Sequence[str] = (),
        publisher_role_arns: Sequence[str] = (),
        alarms: bool = False,
        encryption_key_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        check_props(
            self,
            f"alerts {shown(display_name)}",
            _RULES,
            display_name=display_name,
            addresses=addresses,
            publisher_role_arns=publisher_role_arns,
            alarms=alarms,
            encryption_key_arn=encryption_key_arn,
        )
        if encryption_key_arn is None:
            # Not the AWS-managed key: CloudWatch alarms cannot publish through its policy.
            key = kms.Key(self, "Key", enable_key_rotation=True)
            if alarms:
                key.add_to_resource_policy(alarms_use_key())
            encryption_key_arn = key.key_arn
        self._key_arn = encryption_key_arn
        topic = sns.CfnTopic(self, "Topic", display_name=display_name, kms_master_key_id=encryption_key_arn)
        self.topic_arn: str = topic.ref
        statements: list[dict[str, Any]] = [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": self.topic_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
        if publisher_role_arns:
            statements.append(
                {
                    "Sid": "LetRolesPublish",
                    "Effect": "Allow",
                    "Principal": {"AWS": list(publisher_role_arns)},
                    "Action": "sns:Publish",
                    "Resource": self.topic_arn,
                }
            )
        if alarms:
            statements.append(
                {
                    "Sid": "LetAlarmsPublish",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudwatch.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": self.topic_arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": account_id()}},
                }
            )
        sns.CfnTopicPolicy(
            self,
            "TopicPolicy",
            topics=[self.topic_arn],
            policy_document={"Version": "2012-10-17", "Statement": statements},
        )
        for address, name in _ids(addresses).items():
            sns.CfnSubscription(
                self,
                name,
                topic_arn=self.topic_arn,
                protocol="email",
                endpoint=address,
            )

    def topic(self) -> sns.ITopic:
        """The topic as the interface that other CDK constructs take."""
        return sns.Topic.from_topic_arn(self, "Imported", self.topic_arn)

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` publish to this topic, and use the key for that alone."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resource_arns=[self._key_arn],
            # SNS puts the topic into the encryption context: a shared key opens no other topic.
            conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": self.topic_arn}},
        )
        return iam.Grant.add_to_principal(grantee=grantee, actions=["sns:Publish"], resource_arns=[self.topic_arn])


def _ids(addresses: Sequence[str]) -> dict[str, str]:
    """Ids of subscriptions, by address: one added or removed leaves the others, and their confirmation.

    An id takes no slash. Where another address would have the same id, the one with a slash has a digest in it.
    """
    ids = {address: f"Subscription-{address.replace('/', '_')}" for address in addresses}
    count = Counter(ids.values())
    return {
        address: f"{name}-{sha256(address.encode()).hexdigest()[:8]}" if "/" in address and count[name] > 1 else name
        for address, name in ids.items()
    }


def alarms_use_key() -> iam.PolicyStatement:
    """What a key's policy must say so that CloudWatch's alarms of this account can publish to the topics it encrypts.

    Source: SNS developer guide, "Enable compatibility between event sources from AWS services and encrypted topics".
    """
    return iam.PolicyStatement(
        sid="LetAlarmsPublish",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],  # of a key's policy: this key
        conditions={"StringEquals": {"aws:SourceAccount": account_id()}},
    )
