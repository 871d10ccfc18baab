"""Lifecycle rules of buckets: from CloudFormation's shape to S3's, with the checks of both.

Ministack stores a configuration and does not run it. It accepts nearly all of them. The checks here are AWS's, so that a template
that AWS would refuse fails here as well.

Source: S3 API reference, "PutBucketLifecycleConfiguration", "LifecycleExpiration", "NoncurrentVersionExpiration"; S3 user guide,
"Lifecycle configuration elements" and "Examples of S3 Lifecycle configurations"; CloudFormation, "AWS::S3::Bucket Rule".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from emulator.extension import upstream

MOST_RULES: Final = 1000
LONGEST_ID: Final = 255
MOST_NEWER_VERSIONS: Final = 100
DAYS_BEFORE_IA: Final = 30
ACTIONS: Final = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)
BESIDE_THE_MARKER: Final = (
    "ExpirationDate",
    "ExpirationInDays",
    "AbortIncompleteMultipartUpload",
    "Transition",
    "Transitions",
    "NoncurrentVersionExpirationInDays",
    "NoncurrentVersionTransition",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
)
"""CloudFormation requires one of these in a rule. ExpiredObjectDeleteMarker alone is enough for S3, but not for CloudFormation."""

MALFORMED: Final = "The XML you provided was not well-formed or did not validate against our published schema"


def install() -> None:
    """Put the checks behind ministack's own."""
    upstream.replace("services.s3", "_lifecycle_rules_error", _checked)
    upstream.replace("services.s3", "_put_bucket_lifecycle", _understood)


def lifecycle(value: Any) -> dict[str, Any]:
    """S3's LifecycleConfiguration of CloudFormation's. Raises ValueError where CloudFormation refuses."""
    return {"Rules": [_rule(rule) for rule in value["Rules"]]}


def _rule(given: dict[str, Any]) -> dict[str, Any]:
    if not any(name in given for name in BESIDE_THE_MARKER):
        raise ValueError(f"At least one of [{','.join(BESIDE_THE_MARKER)}] needs to be specified")
    rule: dict[str, Any] = {"Status": given["Status"], "Filter": _filter(given)}
    if "Id" in given:
        rule["ID"] = given["Id"]
    if expiration := _expiration(given):
        rule["Expiration"] = expiration
    if abort := given.get("AbortIncompleteMultipartUpload"):
        rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": int(abort["DaysAfterInitiation"])}
    if noncurrent := given.get("NoncurrentVersionExpiration"):
        rule["NoncurrentVersionExpiration"] = {key: int(value) for key, value in noncurrent.items()}
    elif "NoncurrentVersionExpirationInDays" in given:
        days = int(given["NoncurrentVersionExpirationInDays"])
        rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if transitions := [*given.get("Transitions", []), *([given["Transition"]] if "Transition" in given else [])]:
        rule["Transitions"] = [_transition(each) for each in transitions]
    if noncurrent := given.get("NoncurrentVersionTransitions"):
        rule["NoncurrentVersionTransitions"] = [_noncurrent_transition(each) for each in noncurrent]
    return rule


def _expiration(given: dict[str, Any]) -> dict[str, Any]:
    expiration: dict[str, Any] = {}
    if "ExpirationInDays" in given:
        expiration["Days"] = int(given["ExpirationInDays"])
    if "ExpirationDate" in given:
        expiration["Date"] = given["ExpirationDate"]
    if "ExpiredObjectDeleteMarker" in given:
        expiration["ExpiredObjectDeleteMarker"] = upstream.flag(given["ExpiredObjectDeleteMarker"])
    return expiration


def _noncurrent_transition(given: dict[str, Any]) -> dict[str, Any]:
    newer = "NewerNoncurrentVersions"
    more = {newer: int(given[newer])} if newer in given else {}
    return {"StorageClass": given["StorageClass"], "NoncurrentDays": int(given["TransitionInDays"]), **more}


def _transition(given: dict[str, Any]) -> dict[str, Any]:
    when = {"Date": given["TransitionDate"]} if "TransitionDate" in given else {"Days": int(given["TransitionInDays"])}
    return {"StorageClass": given["StorageClass"], **when}


def _filter(given: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {"Prefix": given["Prefix"]} if "Prefix" in given else {}
    if tags := given.get("TagFilters"):
        parts["Tags"] = tags
    for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in given:
            parts[name] = int(given[name])
    if len(parts) > 1 or len(parts.get("Tags", [])) > 1:
        return {"And": parts}
    if "Tags" in parts:
        return {"Tag": parts["Tags"][0]}
    return parts or {"Prefix": ""}


def _understood(original: Callable[[str, bytes], Any]) -> Callable[[str, bytes], Any]:
    def put(name: str, body: bytes) -> Any:
        kept = upstream.attribute("services.s3", "_bucket_lifecycle")
        before = kept.get(name)
        answer = original(name, body)
        if isinstance(kept.get(name), str):  # ministack keeps what it cannot read as it came
            kept.pop(name, None)
            if before is not None:
                kept[name] = before
            return upstream.attribute("services.s3", "_error")("MalformedXML", MALFORMED, 400)
        return answer

    return put


def _checked(original: Callable[[list[dict[str, Any]]], Any]) -> Callable[[list[dict[str, Any]]], Any]:
    def check(rules: list[dict[str, Any]]) -> Any:
        error = upstream.attribute("services.s3", "_error")
        if not 0 < len(rules) <= MOST_RULES:
            return error("MalformedXML", MALFORMED, 400)
        names = [rule["ID"] for rule in rules if "ID" in rule]
        if len(set(names)) < len(names):
            return error("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule", 400)
        for rule in rules:
            for code, text in _faults(rule):
                return error(code, text, 400)
        return original(rules)

    return check


def _faults(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """S3's errors for one rule: code and text."""
    if len(rule.get("ID", "")) > LONGEST_ID:
        yield "InvalidArgument", f"ID length should not exceed allowed limit of {LONGEST_ID}"
    if not any(rule.get(action) is not None for action in ACTIONS):
        yield "InvalidRequest", "At least one action needs to be specified in a rule"
    expiration = rule.get("Expiration")
    if expiration is not None and len(expiration) != 1:
        yield "MalformedXML", MALFORMED
    yield from _filter_faults(rule)
    yield from _day_faults(rule)


def _filter_faults(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    filtered = rule.get("Filter", {})
    both = filtered.get("And", {})
    if len(filtered) > 1 or ("And" in filtered and len(both) == 1 and len(both.get("Tags", [])) < 2):
        yield "MalformedXML", MALFORMED
    by_tag = "Tag" in filtered or "Tags" in both
    by_size = any("Size" in name for name in (*filtered, *both))
    for action, there in (
        ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker" in rule.get("Expiration", {})),
        ("AbortIncompleteMultipartUpload", "AbortIncompleteMultipartUpload" in rule),
    ):
        if there and by_tag:
            yield "InvalidRequest", f"{action} cannot be specified with Tags"
        if there and by_size:
            yield "InvalidRequest", f"{action} cannot be specified with object size"


def _day_faults(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort is not None and abort["DaysAfterInitiation"] < 1:
        action = "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action"
        yield "InvalidArgument", f"{action} must be a positive integer"
    for noncurrent in (rule.get("NoncurrentVersionExpiration"), *rule.get("NoncurrentVersionTransitions", [])):
        if noncurrent is None:
            continue
        if "NoncurrentDays" not in noncurrent:
            yield "MalformedXML", MALFORMED
        if not 1 <= noncurrent.get("NewerNoncurrentVersions", 1) <= MOST_NEWER_VERSIONS:
            yield "InvalidArgument", f"'NewerNoncurrentVersions' must be between 1 and {MOST_NEWER_VERSIONS}"
    ends = rule.get("Expiration", {}).get("Days")
    for transition in rule.get("Transitions", []):
        days = transition.get("Days")
        if days is not None and transition["StorageClass"] in {"STANDARD_IA", "ONEZONE_IA"} and days < DAYS_BEFORE_IA:
            what = f"for storageClass '{transition['StorageClass']}'"
            yield "InvalidArgument", f"'Days' in Transition action must be greater than or equal to 30 {what}"
        if days is not None and ends is not None and ends <= days:
            yield (
                "InvalidArgument",
                "'Days' in the Expiration action must be greater than 'Days' in the Transition action",
            )
    dates = [part["Date"] for part in (rule.get("Expiration", {}), *rule.get("Transitions", [])) if "Date" in part]
    if not all("T00:00:00" in date or "T" not in date for date in dates):
        yield "InvalidArgument", "'Date' must be at midnight GMT"
