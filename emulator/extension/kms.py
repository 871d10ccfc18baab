"""KMS keys of topics, queues, buckets, tables and log groups: users of an encrypted resource need permission on its key, too.

Ministack keeps the names of keys, and applies their policies only to calls of KMS itself. Every user of a resource may use a key
that AWS manages (`alias/aws/...`).

Source: SNS developer guide, "Managing Amazon SNS encryption keys and costs"; SQS developer guide, "Key management"; S3 user guide,
"Using server-side encryption with AWS KMS keys"; DynamoDB developer guide, "DynamoDB encryption at rest: usage notes"; CloudWatch
Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.extension import upstream

EVALUATOR: Final = "core.iam_evaluator"
SNS, SQS, S3, DYNAMODB = "services.sns", "services.sqs", "services.s3", "services.dynamodb"
ALGORITHM: Final = "x-amz-server-side-encryption"
LOG_GROUP: Final = "AWS::Logs::LogGroup"
BOTH: Final = ("kms:GenerateDataKey", "kms:Decrypt")
READ: Final = ("kms:Decrypt",)
_ITEMS: Final = "BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem GetItem PutItem Query Scan UpdateItem"
USES: Final[Mapping[str, tuple[str, ...]]] = {
    "sns:Publish": BOTH,
    "sqs:SendMessage": BOTH,
    "sqs:ReceiveMessage": READ,
    "s3:GetObject": READ,
    "s3:GetObjectVersion": READ,
    "s3:PutObject": ("kms:GenerateDataKey",),
    **{f"dynamodb:{name}": READ for name in _ITEMS.split()},
}
"""Actions on the key, by call."""
CODES: Final = {
    "dynamodb": "AccessDeniedException",
    "s3": "AccessDenied",
    "sns": "KMSAccessDenied",
    "sqs": "KmsAccessDenied",
}


def install() -> None:
    """Apply the key's policy to each use of an encrypted resource by a caller, a service or a function."""
    upstream.replace(EVALUATOR, "enforce", _with_keys)
    upstream.replace(SQS, "queue_policy_allows", _of_a_service)
    upstream.replace(SNS, "topic_policy_allows", _of_a_service)
    upstream.replace(SQS, "_receive_messages_for_esm", _of_a_function)
    upstream.replace("services.cloudwatch", "_dispatch_alarm_actions", _of_alarms)
    provisioners = upstream.attribute("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    provisioners[LOG_GROUP] = {**provisioners[LOG_GROUP], "create": _of_logs(provisioners[LOG_GROUP]["create"])}


def key_of(resource_arn: str) -> tuple[str, dict[str, str]] | None:
    """The customer's key of a resource, and its encryption context; None without one."""
    service = resource_arn.split(":")[2] if resource_arn.startswith("arn:") else ""
    find = _KEYS.get(service)
    found = find(resource_arn) if find is not None else None
    return None if found is None or ":alias/aws/" in found[0] or found[0].startswith("alias/aws/") else found


def service_may_use(service: str, resource_arn: str, source_arn: str) -> bool:
    """Whether a service principal, acting for `source_arn`, may use the key of the resource it writes to."""
    found = key_of(resource_arn)
    if found is None or not upstream.attribute("app", "AUTH"):
        return True
    key, context = found
    record = upstream.attribute("services.kms", "_resolve_key")(key)
    return record is not None and all(
        upstream.service_may(service, record.get("Policy"), action, record["Arn"], source_arn, **context)
        for action in BOTH
    )


def _topic_key(arn: str) -> tuple[str, dict[str, str]] | None:
    topic = upstream.attribute(SNS, "_topic_by_arn_any_scope")(arn)
    key = (topic or {}).get("attributes", {}).get("KmsMasterKeyId")
    return (key, {"kms:EncryptionContext:aws:sns:topicArn": arn}) if key else None


def _queue_key(arn: str) -> tuple[str, dict[str, str]] | None:
    queue = upstream.attribute(SQS, "_queue_by_arn")(arn)
    key = (queue or {}).get("attributes", {}).get("KmsMasterKeyId")
    return (key, {"kms:EncryptionContext:aws:sqs:arn": arn}) if key else None


def _bucket_key(arn: str) -> tuple[str, dict[str, str]] | None:
    """The key of the bucket's default encryption. With a bucket key the context is the bucket, else the object."""
    name = arn.split(":::")[1].partition("/")[0]
    if name not in upstream.attribute(S3, "_buckets"):
        return None
    given = upstream.attribute(S3, "_bucket_default_sse_headers")(name)
    if given.get(ALGORITHM) != "aws:kms":
        return None
    text = upstream.attribute(S3, "_bucket_encryption").get(name) or b""
    whole = b"<BucketKeyEnabled>true" in (text if isinstance(text, bytes) else str(text).encode())
    context = {"kms:EncryptionContext:aws:s3:arn": arn.partition("/")[0] if whole else arn}
    return given.get(f"{ALGORITHM}-aws-kms-key-id", "alias/aws/s3"), context


def _table_key(arn: str) -> tuple[str, dict[str, str]] | None:
    name = arn.rpartition(":table/")[2].partition("/")[0]
    table = upstream.attribute(DYNAMODB, "_tables").get(name) or {}
    key = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")
    return (key, {"kms:EncryptionContext:aws:dynamodb:tableName": name}) if key else None


_KEYS: Final[Mapping[str, Callable[[str], tuple[str, dict[str, str]] | None]]] = {
    "dynamodb": _table_key,
    "s3": _bucket_key,
    "sns": _topic_key,
    "sqs": _queue_key,
}


def _with_keys(original: Callable[..., Any]) -> Callable[..., Any]:
    """A permitted caller needs the key, too, because the service calls KMS in the caller's name."""

    def enforce(access_key_id: str, iam_action: str, service: str, region: str, *rest: Any, **of: Any) -> Any:
        denied = original(access_key_id, iam_action, service, region, *rest, **of)
        resource_arn = rest[0] if rest else of.get("resource_arn", "*")
        found = key_of(resource_arn) if denied is None and iam_action in USES else None
        if found is None:
            return denied
        key, context = found
        record = upstream.attribute("services.kms", "_resolve_key")(key)
        arn = record["Arn"] if record else key
        through = {"kms:ViaService": f"{service}.{region}.amazonaws.com", "kms:CallerAccount": upstream.account()}
        asked = {"resource_arn": arn, "service_context": {**context, **through}}
        for action in USES[iam_action]:
            if record is None or original(access_key_id, action, "kms", region, **asked) is not None:
                message = f"User is not authorized to perform: {action} on resource: {arn}"
                return upstream.attribute(EVALUATOR, "AuthError")(CODES[service], message)
        return None

    return enforce


def _of_a_service(original: Callable[..., bool]) -> Callable[..., bool]:
    """Notifications from S3 to a queue or a topic, and from SNS to a queue."""

    def allows(resource_arn: str, service: str, source_arn: str, source_account: str) -> bool:
        return original(resource_arn, service, source_arn, source_account) and service_may_use(
            service, resource_arn, source_arn
        )

    return allows


def _of_alarms(original: Callable[..., None]) -> Callable[..., None]:
    """CloudWatch publishes as a service, so the topic's policy and the key's must allow it."""

    def dispatch(alarm: dict[str, Any], *state: Any) -> None:
        lists = ("AlarmActions", "OKActions", "InsufficientDataActions")
        told = {name: [one for one in alarm.get(name) or [] if _may_publish(one, alarm)] for name in lists}
        original({**alarm, **told}, *state)

    return dispatch


def _may_publish(topic: str, alarm: Mapping[str, Any]) -> bool:
    if ":sns:" not in topic or not upstream.attribute("app", "AUTH"):
        return True
    service, source = "cloudwatch.amazonaws.com", str(alarm.get("AlarmArn", ""))
    found = upstream.attribute(SNS, "_topic_by_arn_any_scope")(topic)
    policy = (found or {}).get("attributes", {}).get("Policy")
    return upstream.service_may(service, policy, "sns:Publish", topic, source) and service_may_use(
        service, topic, source
    )


def _of_a_function(original: Callable[..., Any]) -> Callable[..., Any]:
    """Lambda receives from a queue with the rights of the function's role."""

    def receive(queue_url: str, *given: Any, **named: Any) -> Any:
        queue = upstream.attribute(SQS, "_queues").get(queue_url) or {}
        arn = queue.get("attributes", {}).get("QueueArn", "")
        found = key_of(arn) if upstream.attribute("app", "AUTH") else None
        if found is not None and not _consumers_may(arn, *found):
            return []
        return original(queue_url, *given, **named)

    return receive


def _consumers_may(queue: str, key: str, context: Mapping[str, str]) -> bool:
    record = upstream.attribute("services.kms", "_resolve_key")(key)
    functions = [
        esm["FunctionName"]
        for _account, _region, esm in upstream.attribute("services.lambda_svc", "_iter_all_esms")()
        if esm.get("EventSourceArn") == queue
    ]
    return record is not None and all(_role_may(function, record, context) for function in functions)


def _role_may(function: str, record: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    _record, config = upstream.attribute("services.lambda_svc", "_get_func_record_for_qualifier")(function, None)
    role, account = str(config["Role"]).rpartition("/")[2], upstream.account()
    asked = upstream.attribute(EVALUATOR, "EvalContext")(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/{function}",
        principal_type="AssumedRole",
        principal_account=account,
        action="kms:Decrypt",
        resource_arn=record["Arn"],
        region=upstream.region(),
        service_context={
            **{name.lower(): value for name, value in context.items()},
            "kms:viaservice": f"sqs.{upstream.region()}.amazonaws.com",
        },
    )
    policies = upstream.attribute(EVALUATOR, "_gather_role_policies")(role, account)
    own = upstream.attribute(EVALUATOR, "evaluate")(asked, policies)
    decide = upstream.attribute(EVALUATOR, "combine_resource_policy")
    return bool(decide(own, asked, record.get("Policy"), account, required=True).decision == "Allow")


def _of_logs(create: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a log group with a key that CloudWatch Logs may not use."""

    def checked(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, properties, stack_name)
        key = properties.get("KmsKeyId")
        record = upstream.attribute("services.kms", "_resolve_key")(key) if key else None
        if not key or not upstream.attribute("app", "AUTH"):
            return made
        service, arn = f"logs.{upstream.region()}.amazonaws.com", made[1]["Arn"].removesuffix(":*")
        context = {"kms:EncryptionContext:aws:logs:arn": arn}
        policy = record.get("Policy") if record else None
        if not all(upstream.service_may(service, policy, action, key, arn, **context) for action in BOTH):
            upstream.attribute("services.cloudwatch_logs", "_log_groups").pop(made[0], None)
            raise ValueError(f"The specified KMS key does not exist or is not allowed to be used with '{arn}'")
        return made

    return checked
