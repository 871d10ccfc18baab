"""The topic for operators, about detections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import FLAG, KEPT_OR_NOT, Rule, check_props, each, optional, text
from constructs_lib.encryption import ALARMS, allow_roles, allow_service
from constructs_lib.faults import RuleError, shown
from constructs_lib.flags import bring_flags
from constructs_lib.intrinsics import account_id
from constructs_lib.keys import grant_services_use, here, let

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
    "publishers_have_key": FLAG,
    "alarms": FLAG,
    "encryption_key": optional(rules.KEY),
    "encryption_key_arn": optional(rules.KEY_ARN),
    "removal_policy": KEPT_OR_NOT,
}


class SecurityAlerts(Construct):
    """An encrypted SNS topic that sends security alerts by e-mail.

    Creates 1 topic, 1 topic policy (TLS only), 1 e-mail subscription per address, and 1 KMS key unless one is passed. SNS asks
    each address to confirm its subscription before it sends anything.

    Args:
        display_name: sender name of the e-mails, at most 100 characters.
        addresses: e-mail addresses to alert. Default: none.
        publisher_role_arns: roles of this account that may publish, and use the key for topics of this account. Default: none.
        publishers_have_key: whether their own policies already allow `encryption_key`. Default: False.
        alarms: whether CloudWatch's alarms of this account may publish. Default: False.
        encryption_key: key for several topics, which saves the monthly cost of more keys. Its policy gets the needed statements;
            that of an imported key must have them. Default: None, a key of its own.
        encryption_key_arn: the same by its ARN; its policy stays unchanged. Default: None.
        removal_policy: for a key of its own. Default: retain, except after a failed first deployment.

    Raises:
        ValueError: an address or the key is given twice, or a text holds `{{` or a `${` that is no token (`check_texts`).

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
        publishers_have_key: bool = False,
        alarms: bool = False,
        encryption_key: kms.IKey | None = None,
        encryption_key_arn: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        super().__init__(scope, id)
        bring_flags(self)
        check_props(
            self,
            f"alerts {shown(display_name)}",
            _RULES,
            display_name=display_name,
            addresses=addresses,
            publisher_role_arns=publisher_role_arns,
            publishers_have_key=publishers_have_key,
            alarms=alarms,
            encryption_key=encryption_key,
            encryption_key_arn=encryption_key_arn,
            removal_policy=removal_policy,
        )
        if encryption_key is not None and encryption_key_arn is not None:
            raise ValueError(
                f'alerts "{display_name}": encryption_key_arn must not be given beside encryption_key, got both; drop the ARN'
            )
        key = encryption_key
        if key is None and encryption_key_arn is None:
            # With the AWS-managed key, CloudWatch's alarms and scanners could not publish: its policy admits neither.
            key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=removal_policy)
        if key is not None:
            if alarms:
                grant_services_use(key, ALARMS)
            if publisher_role_arns and not publishers_have_key:
                let(key, allow_roles(publisher_role_arns, here(), "sns"))
            encryption_key_arn = key.key_arn
        self._key_arn = encryption_key_arn or ""
        self._imported: sns.ITopic | None = None
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
        self._key, self._statements = key, statements
        self._policy = sns.CfnTopicPolicy(
            self, "TopicPolicy", topics=[self.topic_arn], policy_document=_document(statements)
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
        """The topic as an `ITopic` with its key, for other CDK constructs; the same object at each call."""
        if self._imported is None:
            self._imported = sns.Topic.from_topic_attributes(
                self, "Imported", topic_arn=self.topic_arn, key_arn=self._key_arn
            )
        return self._imported

    def grant_publish_to_role(self, role_arn: str) -> None:
        """Let a role publish by the policies of topic and key. The role is of this account, possibly of another stack, which
        deploys first.

        The owner of an imported key writes its policy.
        """
        self._statements.append(
            {"Effect": "Allow", "Principal": {"AWS": role_arn}, "Action": "sns:Publish", "Resource": self.topic_arn}
        )
        self._policy.policy_document = _document(self._statements)
        if self._key is not None:
            let(self._key, allow_roles([role_arn], here(), "sns"))

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` publish to this topic, and use the key for that only."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resource_arns=[self._key_arn],
            # SNS puts the topic into the encryption context: a shared key opens no other topic.
            conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": self.topic_arn}},
        )
        return iam.Grant.add_to_principal(grantee=grantee, actions=["sns:Publish"], resource_arns=[self.topic_arn])


def _ids(addresses: Sequence[str]) -> dict[str, str]:
    """Ids of subscriptions, by address. An added or removed address leaves the others with their confirmations.

    An id must not have a slash. If another address would have the same id, that of the address with the slash has a digest.
    """
    ids = {address: f"Subscription-{address.replace('/', '_')}" for address in addresses}
    count = Counter(ids.values())
    return {
        address: f"{name}-{sha256(address.encode()).hexdigest()[:8]}" if "/" in address and count[name] > 1 else name
        for address, name in ids.items()
    }


def _document(statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def alarms_use_key() -> iam.PolicyStatement:
    """Statement of a key's policy that lets CloudWatch's alarms of this account publish to topics with this key.

    Source: SNS developer guide, "Enable compatibility between event sources from AWS services and encrypted topics".
    """
    return iam.PolicyStatement.from_json(allow_service(ALARMS, here()))
