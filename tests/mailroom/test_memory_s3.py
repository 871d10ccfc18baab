"""The bucket in memory is the emulator's: the same calls, in any order, have the same answers and leave the same versions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from tests.emulators import shared_emulator
from tests.mailroom.memory_s3 import MemoryBucket

pytestmark = pytest.mark.servers

REGION = "eu-central-1"
SAID = (
    "CacheControl",
    "CommonPrefixes",
    "ContentDisposition",
    "ContentLength",
    "ContentType",
    "CopySourceVersionId",
    "DeleteMarker",
    "ETag",
    "IsLatest",
    "IsTruncated",
    "Key",
    "KeyCount",
    "Metadata",
    "Prefix",
    "Size",
    "VersionId",
)
"""What an answer says that is the same on both sides; version ids by the order in which they appeared."""
NESTED = ("CommonPrefixes", "Contents", "CopyObjectResult", "DeleteMarkers", "Versions")
KEYS = ("clean/a", "clean/b", "raw/a", "raw/a/b", "raw0")
PREFIXES = ("", "clean/", "raw", "raw/", "raw/a", "none/")

_prefixes = itertools.count(1)
Call = tuple[str, dict[str, Any]]


class Side:
    """One of the two, and what it said."""

    def __init__(self, client: Any, bucket: str, root: str) -> None:
        self.client = client
        self.bucket = bucket
        self.root = root
        self.ids: list[str] = []
        self.etags = [f'"{"0" * 32}"']

    def ask(self, name: str, arguments: dict[str, Any]) -> Any:
        """Make a call; its answer or error, without what differs between the two."""
        given = {**arguments, "Bucket": self.bucket}
        for one in ("Key", "Prefix", "StartAfter"):
            if one in given:
                given[one] = f"{self.root}{given[one]}"
        if "VersionId" in given:
            given["VersionId"] = self._id(given["VersionId"])
        if "IfMatch" in given:
            given["IfMatch"] = self.etags[given["IfMatch"] % len(self.etags)]
        if source := given.get("CopySource"):
            copied, version = source
            given["CopySource"] = {
                "Bucket": self.bucket,
                "Key": f"{self.root}{copied}",
                "VersionId": self._id(version),
            }
        try:
            answer = self._call(name, given)
        except ClientError as error:
            return name, error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return name, answer["ResponseMetadata"]["HTTPStatusCode"], self._plain(answer)

    def _call(self, name: str, given: dict[str, Any]) -> Any:
        if name.startswith("pages of "):
            (page,) = self.client.get_paginator(name.removeprefix("pages of ")).paginate(**given)
            return page
        answer = getattr(self.client, name)(**given)
        if name in {"put_object", "copy_object"}:
            self.ids.append(answer["VersionId"])
            self.etags.append((answer.get("CopyObjectResult") or answer)["ETag"])
        elif name == "delete_object" and "VersionId" not in given:
            self.ids.append(answer["VersionId"])
        return answer

    def _id(self, number: int) -> str:
        """Id of one of the versions that were made, whether they are left or not."""
        return self.ids[number % len(self.ids)] if self.ids else "0" * 32

    def _plain(self, answer: dict[str, Any]) -> dict[str, Any]:
        said = {one: answer[one] for one in SAID if one in answer and one not in NESTED}
        said |= {one: [self._plain(each) for each in _several(answer[one])] for one in NESTED if one in answer}
        for one in ("VersionId", "CopySourceVersionId"):
            if one in said and said[one] in self.ids:
                said[one] = self.ids.index(said[one])
        for one in ("Key", "Prefix"):
            if one in said:
                said[one] = said[one].removeprefix(self.root)
        if "Body" in answer:
            said["Body"] = answer["Body"].read()
        if "LastModified" in answer:
            said["zone"] = str(answer["LastModified"].tzinfo.utcoffset(None))
            if "Metadata" in answer:
                said["whole seconds"] = answer["LastModified"].microsecond == 0
        return said


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _with(**named: st.SearchStrategy[Any]) -> Callable[..., st.SearchStrategy[dict[str, Any]]]:
    def made(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(named, optional=optional)

    return made


key, number = st.sampled_from(KEYS), st.integers(0, 5)
body = st.sampled_from([b"", b"one", b"two", "three"])
metadata = st.dictionaries(st.sampled_from(["raw-version", "verdict"]), st.sampled_from(["v1", "a b", "x=1;y"]))
kind = st.sampled_from(["message/rfc822", "application/json"])
puts = st.one_of(
    _with(Key=key, Body=body)(Metadata=metadata, ContentType=kind, CacheControl=st.just("no-store")),
    _with(Key=key, Body=body, IfNoneMatch=st.just("*"))(Metadata=metadata),
    _with(Key=key, Body=body, IfMatch=number)(ContentDisposition=st.just("attachment")),
)
copies = _with(
    Key=key,
    CopySource=st.tuples(key, number),
    Metadata=metadata,
    MetadataDirective=st.just("REPLACE"),
    TaggingDirective=st.just("REPLACE"),
    ContentType=kind,
)()
calls: st.SearchStrategy[Call] = st.one_of(
    st.tuples(st.just("put_object"), puts),
    st.tuples(st.just("put_object"), puts),
    st.tuples(st.just("get_object"), _with(Key=key)(VersionId=number, IfMatch=number)),
    st.tuples(st.just("head_object"), _with(Key=key)()),
    st.tuples(st.just("delete_object"), _with(Key=key)(VersionId=number)),
    st.tuples(st.just("copy_object"), copies),
    st.tuples(
        st.just("list_objects_v2"),
        _with(Prefix=st.sampled_from(PREFIXES))(Delimiter=st.just("/"))
        | _with(Prefix=st.sampled_from(PREFIXES))(StartAfter=st.sampled_from(KEYS)),
    ),
    st.tuples(st.just("list_object_versions"), _with(Prefix=st.sampled_from(PREFIXES))(MaxKeys=st.integers(1, 4))),
    st.tuples(
        st.sampled_from(["pages of list_objects_v2", "pages of list_object_versions"]),
        _with(Prefix=st.sampled_from(PREFIXES))(),
    ),
)


@pytest.fixture(scope="module")
def bucket(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """A bucket with versions on the emulator, and its client."""
    client = shared_emulator(request).client("s3", REGION)
    name = "memory-and-emulator"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return client, name


ONE = {"Key": "raw/a", "Body": b"one"}
EVERYTHING: list[Call] = [
    ("get_object", {"Key": "raw/a", "VersionId": 0}),
    ("put_object", {**ONE, "IfMatch": 0}),
    ("put_object", {**ONE, "IfNoneMatch": "*", "Metadata": {"verdict": "clean"}, "ContentType": "message/rfc822"}),
    ("put_object", {**ONE, "IfNoneMatch": "*"}),
    ("put_object", {**ONE, "IfMatch": 0}),
    ("put_object", {"Key": "raw/a", "Body": "two", "IfMatch": 1}),
    ("get_object", {"Key": "raw/a", "IfMatch": 1}),
    ("get_object", {"Key": "raw/a", "IfMatch": 2}),
    ("get_object", {"Key": "raw/a", "VersionId": 0}),
    ("delete_object", {"Key": "raw/a"}),
    ("get_object", {"Key": "raw/a"}),
    ("get_object", {"Key": "raw/a", "VersionId": 2}),
    ("put_object", {**ONE, "IfMatch": 2}),
    ("head_object", {"Key": "raw/a"}),
    ("list_object_versions", {"Prefix": "raw/a", "MaxKeys": 2}),
    ("delete_object", {"Key": "raw/a", "VersionId": 2}),
    ("delete_object", {"Key": "raw/a", "VersionId": 1}),
    ("head_object", {"Key": "raw/a"}),
    ("delete_object", {"Key": "raw/a", "VersionId": 0}),
    ("delete_object", {"Key": "raw/a", "VersionId": 0}),
    ("delete_object", {"Key": "raw/a"}),
    ("put_object", {**ONE, "IfNoneMatch": "*"}),
]
"""Each refusal, and each place of a delete marker."""


@example(EVERYTHING)
@given(st.lists(calls, min_size=4, max_size=24))
def test_same_answers(bucket: tuple[Any, str], calls: list[Call]) -> None:
    """Call by call, and all versions in the end."""
    client, name = bucket
    root = f"{next(_prefixes):06}/"
    real, memory = Side(client, name, root), Side(MemoryBucket(), name, root)
    whole: list[Call] = [
        ("pages of list_object_versions", {"Prefix": ""}),
        ("pages of list_objects_v2", {"Prefix": ""}),
    ]
    for asked, arguments in [*calls, *whole]:
        assert memory.ask(asked, arguments) == real.ask(asked, arguments)
