"""SES's writes to S3: the check of a bucket's policy, and the objects.

Ministack lacks the part of SES that stores inbound mail. The write happens inside the server, not through the S3 API, because SES
calls S3 as a service principal, and no client can sign as one.
"""

from __future__ import annotations

import json

from emulator.extension import endpoints, upstream

SERVICE = "ses.amazonaws.com"
PATH = "/_emulator/ses/objects"
S3 = "services.s3"


def install() -> None:
    """Serve `PUT /_emulator/ses/objects`, with which `emulator.inbound` stores a message."""
    endpoints.serve("PUT", PATH, _store)


def rule_arn(rule_set: str, rule: str) -> str:
    """The ARN that SES sends as `aws:SourceArn`."""
    own = f"arn:aws:ses:{upstream.region()}:{upstream.account()}"
    return f"{own}:receipt-rule-set/{rule_set}:receipt-rule/{rule}"


def refusal(bucket: str, key: str, source_arn: str) -> str | None:
    """Reason why SES may not write this object for this rule, or None."""
    if bucket not in upstream.attribute(S3, "_buckets"):
        return f"bucket {bucket} does not exist"
    policy = upstream.attribute(S3, "_bucket_policies").get(bucket)
    if not upstream.service_may(SERVICE, policy, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", source_arn):
        return f"the policy of bucket {bucket} does not let {SERVICE} put {key} for {source_arn}"
    return _key_refusal(bucket, source_arn)


def put(bucket: str, key: str, content: bytes) -> None:
    """Write an object, with the notifications that a write causes."""
    headers = {"content-type": "application/octet-stream"}
    status, _headers, body = upstream.attribute(S3, "_put_object")(bucket, key, content, headers)
    if status >= 400:
        raise ValueError(f"s3://{bucket}/{key}: {body!r}")


def _key_refusal(bucket: str, source_arn: str) -> str | None:
    """SES needs the bucket's own KMS key as well: to make a data key, and to read it back on a multipart write."""
    encryption = upstream.attribute(S3, "_bucket_default_sse_headers")(bucket)
    if encryption.get("x-amz-server-side-encryption") != "aws:kms":
        return None
    key_id = encryption.get("x-amz-server-side-encryption-aws-kms-key-id")
    if not key_id:
        return f"bucket {bucket} is encrypted with AWS's own KMS key, which {SERVICE} may not use"
    record = upstream.attribute("services.kms", "_resolve_key")(key_id)
    if record is None:
        return f"KMS key {key_id} of bucket {bucket} does not exist"
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not upstream.service_may(SERVICE, record.get("Policy"), action, record["Arn"], source_arn):
            return f"the policy of KMS key {key_id} does not let {SERVICE} use {action} for {source_arn}"
    return None


def _store(query: dict[str, str], content: bytes) -> endpoints.Answer:
    bucket, key, rule_set, rule = (query[name] for name in ("bucket", "key", "rule_set", "rule"))
    if reason := refusal(bucket, key, rule_arn(rule_set, rule)):
        return 403, reason
    put(bucket, key, content)
    return 200, json.dumps({"bucket": bucket, "key": key})
