"""Objects in S3's notifications, also without optional fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import PermanentError
from mailroom.notifications import NO_VERSION, StoredObject, stored_objects
from mailroom.scanning.events import SETUP_NOTIFICATION, RawObject, raw_objects, rescan_message


def body_of(key: str, **more: Any) -> str:
    """A queue message about one object of the bucket `b`."""
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key, **more}}}]})


def test_setup_notification_without_version_is_nothing_to_do() -> None:
    """SES writes it seconds after the bucket was made, when its versioning may not have taken effect."""
    assert SETUP_NOTIFICATION == "raw/AMAZON_SES_SETUP_NOTIFICATION"
    assert list(raw_objects(body_of(SETUP_NOTIFICATION))) == []
    assert list(raw_objects(body_of(SETUP_NOTIFICATION, versionId="v1"))) == []


@pytest.mark.parametrize("described", [{}, {"versionId": None}, {"versionId": "null"}])
def test_version_that_is_not_named_is_null(described: dict[str, Any]) -> None:
    """Which is how S3 calls the version of such an object, in quarantine and where mail is delivered."""
    assert NO_VERSION == "null"
    assert list(raw_objects(body_of("raw/m1", **described))) == [RawObject("b", "raw/m1", "null")]
    assert list(stored_objects(body_of("clean/m1", **described), "clean/")) == [StoredObject("b", "clean/m1", "null")]


def test_object_without_version_is_scanned_anew() -> None:
    """The request names the version as the notification did."""
    item = RawObject("b", "raw/m 1", NO_VERSION, "r1")
    assert list(raw_objects(rescan_message(item))) == [item]


@pytest.mark.parametrize("version", ["", 7, True, ["v"], {"v": 1}])
def test_version_that_is_no_text_is_refused(version: object) -> None:
    """S3 writes no such notification."""
    with pytest.raises(PermanentError, match="a record must name bucket and key"):
        list(raw_objects(body_of("raw/m1", versionId=version)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON, JSON, JSON)
def test_whatever_comes_is_an_object_or_refused(
    bucket: object, key: object, version: object, described: object
) -> None:
    """Nothing else is raised, and what is taken names bucket, key and version as text."""
    part = {"key": key, "versionId": version} if version != described else described
    body = json.dumps({"Records": [{"s3": {"bucket": {"name": bucket}, "object": part}}]})
    try:
        found = list(stored_objects(body, ""))
    except PermanentError:
        return
    for item in found:
        assert item.bucket
        assert all(isinstance(value, str) and value for value in (item.bucket, item.key, item.version))
