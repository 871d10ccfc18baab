"""Access logs, which S3 writes into another bucket.

S3 writes one object for every few requests, if the receiving bucket's policy lets the service write. That bucket is no longer empty
then, so its deletion gets S3's error.

Source: S3 user guide, "Logging requests with server access logging": keys, and the service that writes.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from typing import Any, Final
from xml.etree import ElementTree as ET

from emulator.extension import upstream

MODULE = "services.s3"
SERVICE = "logging.s3.amazonaws.com"
REQUESTS_AN_OBJECT: Final = 5

_waiting: Counter[tuple[str, str]] = Counter()


def install() -> None:
    """Log each request after its answer."""
    upstream.replace(MODULE, "handle_request", _noted)


def _noted(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], *args: Any, **more: Any) -> Any:
        answer = await original(method, path, headers, *args, **more)
        bucket, key = upstream.attribute(MODULE, "_parse_bucket_key")(path, headers)
        said = upstream.attribute(MODULE, "_bucket_logging_config").get(bucket)
        if said:
            _note(bucket, f"{method} /{bucket}/{key} {answer[0]}", said)
        return answer

    return handle


def _note(bucket: str, line: str, said: str) -> None:
    enabled = next((one for one in ET.fromstring(said).iter() if one.tag.endswith("LoggingEnabled")), None)
    if enabled is None:
        return
    told = {one.tag.rpartition("}")[2]: one.text or "" for one in enabled}
    target = told.get("TargetBucket", "")
    counted = (upstream.account(), bucket)
    _waiting[counted] += 1
    if _waiting[counted] < REQUESTS_AN_OBJECT or target not in upstream.attribute(MODULE, "_buckets"):
        return
    key = f"{told.get('TargetPrefix', '')}{time.strftime('%Y-%m-%d-%H-%M-%S', time.gmtime())}-{secrets.token_hex(8).upper()}"
    policy = upstream.attribute(MODULE, "_bucket_policies").get(target)
    source = f"arn:aws:s3:::{bucket}"
    if upstream.service_may(SERVICE, policy, "s3:PutObject", f"arn:aws:s3:::{target}/{key}", source):
        _waiting[counted] = 0
        upstream.attribute(MODULE, "_put_object")(target, key, f"{line}\n".encode(), {"content-type": "text/plain"})
