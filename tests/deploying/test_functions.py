"""The entry of synthesis: a snapshot in, a template out, or what is wrong with what is wanted."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from email_stack.config.snapshots import REVISION_OUTPUT, snapshot_text
from email_stack.deploying import functions
from email_stack.deploying.functions import on_synthesis
from email_stack.deploying.shelf import Shelf, snapshot_key, template_key
from email_stack.deploying.synthesis import Synthesis
from email_stack.settings.snapshots import snapshot_of
from mailroom.settings.entries import Desired
from tests.config.test_snapshots import WISH
from tests.emulators import shared_emulator
from tests.validation import NO_VALIDATION

pytestmark = pytest.mark.servers

REGION = "eu-central-1"
BUCKET = "shelf-of-synthesis"
PLATFORM = "cells:\n  eu: {region: eu-central-1}\ntenants: []\n"


@pytest.fixture
def shelf(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shelf:
    """The bucket, and the environment that the function has. Its app runs without the CDK's check of templates."""
    emulator = shared_emulator(request)
    s3 = emulator.client("s3", REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    config = tmp_path / "tenants.yaml"
    config.write_text(PLATFORM, encoding="utf-8")
    own = {"SHELF_BUCKET": BUCKET, "RELEASE": "r1", "PLATFORM_CONFIG": str(config), "CELL": "eu"}
    given = {name: value for name, value in emulator.environment(REGION).items() if name.startswith("AWS_")}
    for name, value in {**given, **own}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(functions, "Synthesis", partial(Synthesis, environment=NO_VALIDATION))
    return Shelf(s3=s3, bucket=BUCKET)


def asked(shelf: Shelf, wish: Desired) -> dict[str, str]:
    """The function's answer for an existing snapshot."""
    shelf.put_once(snapshot_key(wish.tenant, wish.revision), snapshot_text(snapshot_of(wish)).encode())
    return on_synthesis({"tenant": wish.tenant, "revision": wish.revision}, None)


def test_synthesis_of_a_snapshot(shelf: Shelf) -> None:
    """The template stands under the release; what nobody can deploy is an answer; what is not there is an error."""
    assert asked(shelf, WISH) == {"failed": ""}
    written = shelf.get(template_key(WISH.tenant, WISH.revision, "r1"))
    assert written is not None
    assert json.loads(written)["Outputs"][REVISION_OUTPUT] == {"Value": str(WISH.revision)}
    unwanted = replace(WISH, revision=WISH.revision + 1, domain="amazonaws.com")
    assert asked(shelf, unwanted)["failed"].startswith("synthesis: ")
    assert shelf.get(template_key(unwanted.tenant, unwanted.revision, "r1")) is None
    with pytest.raises(ValueError, match="with a snapshot"):
        on_synthesis({"tenant": WISH.tenant, "revision": 99}, None)
