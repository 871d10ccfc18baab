"""Users of encrypted resources, and their right to the key: every role and every service, by IAM's own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.iam.deployed import REGION, Deployment, Role
from tests.iam.evaluator import ACCOUNT, Request, decisions

__all__ = ["Encrypted", "encrypted", "roles_without_key", "services", "services_without_key", "uses"]

OTHER_ACCOUNT: Final = "222222222222"
BOTH: Final = ("kms:GenerateDataKey", "kms:Decrypt")
READ: Final = ("kms:Decrypt",)
ITEMS: Final = ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem")
NEEDED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "sns": {"sns:Publish": BOTH},
    "sqs": {"sqs:SendMessage": BOTH, "sqs:ReceiveMessage": READ},
    "s3": {"s3:GetObject": READ, "s3:GetObjectVersion": READ, "s3:PutObject": BOTH},
    "dynamodb": {f"dynamodb:{action}": READ for action in ITEMS},
}
"""What an action on something encrypted takes of its key."""

KEYS_OF_ITEMS: Final = ("MESSAGE#x", "OUTBOX#x", "SENT#x", "SUPPRESSED", "ADDRESSES")
OBJECTS: Final = (
    "raw/x",
    "raw/out/x",
    "raw/decisions/x",
    "held/x",
    "clean/x",
    "verdicts/x",
    "attachments/x",
    "bodies/x",
    "definitions.json",
    "sets/x",
    "freshclam.json",
)


@dataclass(frozen=True)
class Encrypted:
    """Something with a key of the customer's: its policy, and how its service names it to KMS."""

    service: str
    stack: str
    arn: str
    key: str
    policy: Mapping[str, Any] | None
    context: Mapping[str, str]


def encrypted(deployment: Deployment) -> list[Encrypted]:
    """Every topic, queue, bucket and table with a key that is not AWS's own."""
    return [*_topics(deployment), *_queues(deployment), *_buckets(deployment), *_tables(deployment)]


def _topics(deployment: Deployment) -> Iterator[Encrypted]:
    policies = _policies(deployment, "AWS::SNS::TopicPolicy", "Topics")
    for stack, arn, properties in deployment.of_type("AWS::SNS::Topic"):
        if key := properties.get("KmsMasterKeyId"):
            context = {"kms:EncryptionContext:aws:sns:topicArn": arn}
            yield Encrypted("sns", stack, arn, key, policies.get(arn), context)


def _queues(deployment: Deployment) -> Iterator[Encrypted]:
    policies = _policies(deployment, "AWS::SQS::QueuePolicy", "Queues")
    for stack, arn, properties in deployment.of_type("AWS::SQS::Queue"):
        if key := properties.get("KmsMasterKeyId"):
            policy = policies.get(arn.rpartition(":")[2])
            yield Encrypted("sqs", stack, arn, key, policy, {"kms:EncryptionContext:aws:sqs:arn": arn})


def _buckets(deployment: Deployment) -> Iterator[Encrypted]:
    policies = {bucket.arn: bucket.policy for bucket in deployment.buckets}
    for stack, arn, properties in deployment.of_type("AWS::S3::Bucket"):
        (rule,) = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}])
        if key := rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"):
            assert rule["BucketKeyEnabled"] is True, f"{arn}: each object would cost a request to KMS"
            context = {"kms:EncryptionContext:aws:s3:arn": arn}
            yield Encrypted("s3", stack, arn, key, policies.get(arn), context)


def _tables(deployment: Deployment) -> Iterator[Encrypted]:
    for stack, arn, properties in deployment.of_type("AWS::DynamoDB::Table"):
        if key := properties.get("SSESpecification", {}).get("KMSMasterKeyId"):
            policy = properties.get("ResourcePolicy", {}).get("PolicyDocument")
            context = {"kms:EncryptionContext:aws:dynamodb:tableName": arn.rpartition("/")[2]}
            yield Encrypted("dynamodb", stack, arn, key, policy, context)


def _policies(deployment: Deployment, type_: str, names: str) -> dict[str, Any]:
    return {
        name: properties["PolicyDocument"]
        for _stack, _arn, properties in deployment.of_type(type_)
        for name in properties[names]
    }


def _key_policies(deployment: Deployment, imported: Mapping[str, Any]) -> dict[str, Any]:
    return {arn: one["KeyPolicy"] for _stack, arn, one in deployment.of_type("AWS::KMS::Key")} | dict(imported)


def uses(deployment: Deployment, roles: list[Role] | None = None) -> list[tuple[Role, Encrypted, str]]:
    """Each role, what it may do with something encrypted, and the action."""
    asked: list[tuple[Role, Encrypted, str]] = []
    requests: list[Request] = []
    for role in roles or deployment.roles:
        for thing in encrypted(deployment):
            for action in NEEDED[thing.service]:
                for resource, context in _parts(thing):
                    asked.append((role, thing, action))
                    requests.append(
                        Request(
                            principal=role.session,
                            action=action,
                            resource=resource,
                            identity=role.policies,
                            resource_policy=thing.policy,
                            context={"aws:PrincipalArn": role.arn, **context},
                        )
                    )
    allowed = [one for one, yes in zip(asked, decisions(requests), strict=True) if yes]
    return [one for number, one in enumerate(allowed) if one not in allowed[:number]]


def _parts(thing: Encrypted) -> list[tuple[str, dict[str, Any]]]:
    if thing.service == "s3":
        return [(f"{thing.arn}/{key}", {}) for key in OBJECTS]
    if thing.service == "dynamodb":
        sessions = [{}, *_tags(thing.policy)]
        return [(thing.arn, {"dynamodb:LeadingKeys": [key], **tags}) for key in KEYS_OF_ITEMS for tags in sessions]
    return [(thing.arn, {})]


def _tags(policy: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Tags that the policy asks of sessions: the functions of a cell take their role with these."""
    conditions = [one.get("Condition", {}).get("StringEquals", {}) for one in policy["Statement"]] if policy else []
    return [tags for tags in conditions if tags and all(name.startswith("aws:PrincipalTag/") for name in tags)]


def roles_without_key(deployment: Deployment, imported: Mapping[str, Any] | None = None) -> list[str]:
    """Roles that may work with something and may not use its key; `imported` are policies of keys of others."""
    policies = _key_policies(deployment, imported or {})
    asked = [(use, need) for use in uses(deployment) for need in NEEDED[use[1].service][use[2]]]
    requests = [
        Request(
            principal=role.session,
            action=need,
            resource=thing.key,
            identity=role.policies,
            resource_policy=policies[thing.key],
            context={
                "aws:PrincipalArn": role.arn,
                "kms:ViaService": f"{thing.service}.{REGION}.amazonaws.com",
                **thing.context,
            },
        )
        for (role, thing, _action), need in asked
    ]
    return [
        f"{role.stack}/{role.logical_id}: {need} of {thing.arn} for {action}"
        for ((role, thing, action), need), yes in zip(asked, decisions(requests), strict=True)
        if not yes
    ]


def services_without_key(
    deployment: Deployment, imported: Mapping[str, Any] | None = None, *, account: str = ACCOUNT
) -> list[str]:
    """Services that resources let in, or log groups are encrypted by, and that may not use the key for `account`."""
    policies = _key_policies(deployment, imported or {})
    asked = services(deployment, account)
    requests = [
        Request(principal=service, action=need, resource=key, resource_policy=policies[key], context=context)
        for service, need, key, context in asked
    ]
    return [
        f"{service}: {need} of {key}"
        for (service, need, key, _context), yes in zip(asked, decisions(requests), strict=True)
        if not yes
    ]


def services(deployment: Deployment, account: str = ACCOUNT) -> list[tuple[str, str, str, dict[str, str]]]:
    """Each service that needs a key: what it needs, the key, and what it says for `account`."""
    asked: list[tuple[str, str, str, dict[str, str]]] = []
    for thing in encrypted(deployment):
        for service in _services(thing.policy):
            # SNS says which topic sends, and for no account by itself.
            topic = {"aws:SourceArn": f"arn:aws:sns:{REGION}:{account}:topic"} if service.startswith("sns.") else {}
            asked += [(service, need, thing.key, {"aws:SourceAccount": account, **topic}) for need in BOTH]
    for _stack, arn, properties in deployment.of_type("AWS::Logs::LogGroup"):
        if key := properties.get("KmsKeyId"):
            group = arn.removesuffix(":*").replace(ACCOUNT, account)
            context = {"kms:EncryptionContext:aws:logs:arn": group}
            asked += [(f"logs.{REGION}.amazonaws.com", need, key, context) for need in BOTH]
    return asked


def _services(policy: Mapping[str, Any] | None) -> list[str]:
    statements = policy["Statement"] if policy else []
    principals = [one.get("Principal") for one in statements if one["Effect"] == "Allow"]
    return sorted({one["Service"] for one in principals if isinstance(one, dict) and "Service" in one})
