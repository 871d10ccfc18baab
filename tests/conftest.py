"""Fixtures of all tests: the project's own Node for the CDK, and no AWS settings of the user."""

from __future__ import annotations

import gc
import os
from datetime import timedelta

from hypothesis import settings

from email_stack.synthesis.toolchain import PROJECT_ROOT, use_own_node
from tests.offline import pytest_addoption, pytest_collection_modifyitems, pytest_configure, pytest_ignore_collect
from tests.read_once import read_once
from tests.untraced import leave_cdk_unwatched, leave_libraries_unwatched
from tests.watched import pytest_fixture_setup, pytest_runtest_call, stop_watching

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_fixture_setup",
    "pytest_ignore_collect",
    "pytest_runtest_call",
]


def pytest_collection_finish() -> None:
    """Leave twelve thousand tests out of Python's search for garbage, and search less often: 6 % of the time; watch tests alone."""
    stop_watching()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


use_own_node()
leave_libraries_unwatched()
leave_cdk_unwatched()
read_once()
# Hypothesis' own 0.2 s are of the clock, not of the processor: a busy machine would fail tests. Files are held to pytest's timeout.
settings.register_profile("project", parent=settings(), deadline=timedelta(seconds=10))
settings.load_profile("project")
for name in [name for name in os.environ if name.startswith(("AWS_", "CDK_"))]:
    del os.environ[name]
# Hundreds of processes of Node load the same programs: each is compiled once.
os.environ.setdefault("NODE_COMPILE_CACHE", str(PROJECT_ROOT / ".make" / "node-cache"))
# Threads beside Node's own save waiting, not work, and workers leave no processor idle.
os.environ.setdefault("NODE_OPTIONS", "--v8-pool-size=0")
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_EC2_METADATA_DISABLED="true")
