"""The app itself: same bytes every time, only what is asked for, and nothing needed from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from email_stack.config import Config
from email_stack.synthesis.app import project_context, synthesize
from email_stack.synthesis.sharding import Shard, divide, run_in_shards, settle_manifest
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.e2e.warm_app import WarmApp
from tests.stacks.conftest import CONFIG
from tests.templates import UNSTAGED
from tests.validation import NO_VALIDATION

pytestmark = pytest.mark.slow

COVERAGE = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}

# Fails the process on the first attempt to connect anywhere.
NO_NETWORK_PYTHON = """
import runpy, sys
def forbid(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise RuntimeError(f"network used: {event} {arguments}")
sys.addaudithook(forbid)
sys.path.insert(0, sys.argv[1])
runpy.run_path(sys.argv[1] + "/app.py", run_name="__main__")
"""
NO_NETWORK_NODE = """
const refuse = (what) => () => { throw new Error('network used: ' + what); };
require('node:net').Socket.prototype.connect = refuse('connect');
require('node:dns').lookup = refuse('lookup');
"""


def synthesized(
    outdir: Path,
    *,
    cwd: Path | None = None,
    context: dict[str, Any] | None = None,
    umask: int = -1,
    validated: bool = False,
) -> dict[str, bytes]:
    """Files of an assembly by relative path, made by a process without network, credentials or anything on PATH.

    One whose templates are validated is measured, where coverage is.
    """
    outdir.mkdir(parents=True)
    (outdir.parent / "no-network.js").write_text(NO_NETWORK_NODE)
    environment = {
        "PATH": "/nonexistent",
        "HOME": str(outdir.parent),
        "NODE_OPTIONS": f"--require {outdir.parent / 'no-network.js'}",
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps({**project_context(), "config": str(CONFIG), **(context or {})}),
        **(COVERAGE if validated else NO_VALIDATION),
    }
    command = [sys.executable, "-c", NO_NETWORK_PYTHON, str(PROJECT_ROOT)]
    done = subprocess.run(
        command, cwd=cwd or outdir, env=environment, umask=umask, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")  # no warning of the CDK's either
    return files(outdir)


def files(outdir: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by relative path."""
    return {str(path.relative_to(outdir)): path.read_bytes() for path in sorted(outdir.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Everything, synthesized in one folder; the CDK's check of templates finds nothing in any of them."""
    return synthesized(tmp_path_factory.mktemp("one") / "cdk.out", validated=True)


@pytest.fixture
def unvalidated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that a test starts leave that check out, and are not measured: `whole` had both."""
    for name in COVERAGE:
        monkeypatch.delenv(name)
    for name, value in NO_VALIDATION.items():
        monkeypatch.setenv(name, value)


def test_same_config_is_the_same_bytes(whole: dict[str, bytes], tmp_path: Path) -> None:
    """A second process, in another folder, writes the same files with the same content; no network, credentials or docker."""
    again = synthesized(tmp_path / "deeper" / "elsewhere", cwd=tmp_path)
    assert again.keys() == whole.keys()
    assert [name for name in whole if whole[name] != again[name]] == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a group can write, as umask 002 makes it."""
    folder = tmp_path_factory.mktemp("tenant") / "home"
    folder.mkdir()
    folder.chmod(0o775)
    return folder


@pytest.fixture(scope="module")
def one(home: Path) -> dict[str, bytes]:
    """One tenant, synthesized there."""
    return synthesized(home / "cdk.out", context={**UNSTAGED, "tenant": "everything"}, umask=0o002)


def test_one_tenant_is_that_tenant_and_its_cell(whole: dict[str, bytes], one: dict[str, bytes]) -> None:
    """-c tenant=ID writes two templates, the same as among all: the cell's does not depend on who is in it."""
    templates = {name for name in one if name.endswith(".template.json")}
    assert templates == {"Cell-eu.template.json", "Tenant-everything.template.json"}
    assert all(one[name] == whole[name] for name in templates)


def test_the_process_that_end_to_end_tests_keep_writes_the_same_bytes(whole: dict[str, bytes], tmp_path: Path) -> None:
    """Its second assembly is that of a process of its own, after one of another config and one that failed."""
    (tmp_path / "tenants.yaml").write_text("cells: {eu: {region: eu-central-1}}\ntenants: []\n")
    others = [{"config": str(tmp_path / "tenants.yaml")}, {"config": str(CONFIG), "tenant": "nobody"}]
    codes = []
    with tempfile.TemporaryDirectory(prefix="app-") as folder, WarmApp(Path(folder)) as warm_app:
        for number, context in enumerate([others[0], {"config": str(CONFIG)}, others[1], {"config": str(CONFIG)}]):
            environment = {
                "PATH": "/nonexistent",
                "CDK_OUTDIR": str(tmp_path / str(number)),
                "CDK_CONTEXT_JSON": json.dumps({**project_context(), **context}),
                **NO_VALIDATION,
            }
            asking = (
                f"import sys; from tests.e2e.warm_app import run_there; sys.exit(run_there({str(warm_app.socket)!r}))"
            )
            done = subprocess.run(
                [sys.executable, "-c", asking], env=environment, capture_output=True, text=True, check=False
            )
            codes.append(done.returncode)
            assert ("nobody" in done.stderr) == (number == 2)
    assert codes == [0, 0, 1, 0]
    for made in (files(tmp_path / "1"), files(tmp_path / "3")):
        assert made.keys() == whole.keys()
        assert [name for name in whole if whole[name] != made[name]] == []


def test_home_that_a_group_can_write(whole: dict[str, bytes], one: dict[str, bytes], home: Path) -> None:
    """The CDK's kernel keeps nothing there, and the bytes are the same."""
    assert [name for name in one if name.endswith(".template.json") and one[name] != whole[name]] == []
    assert not (home / ".cache").exists()


def test_delegation_stack_comes_with_its_tenant(tmp_path: Path) -> None:
    """A tenant whose parent zone is in another account brings the stack that writes there."""
    both = synthesized(tmp_path / "cdk.out", context={**UNSTAGED, "tenant": "elsewhere"})
    assert {name for name in both if name.startswith("Delegation")} >= {"Delegation-elsewhere.template.json"}


@pytest.mark.usefixtures("unvalidated")
def test_shards_are_joined_to_the_same_bytes(config: Config, whole: dict[str, bytes], tmp_path: Path) -> None:
    """However many processes divide the work, the assembly is the same."""
    job = Shard(
        config=config,
        tenants=tuple(tenant.id for tenant in config.tenants),
        cells=("eu", "us"),
        outdir=tmp_path,
        context={**project_context(), "config": str(CONFIG)},
    )
    parts = [
        Shard(config=config, tenants=job.tenants[:3], cells=job.cells, outdir=tmp_path, context=job.context),
        Shard(config=config, tenants=job.tenants[3:], cells=(), outdir=tmp_path, context=job.context),
    ]
    run_in_shards(synthesize, parts, tmp_path)
    joined = files(tmp_path)
    assert joined.keys() == whole.keys()
    assert [name for name in whole if whole[name] != joined[name]] == []


@pytest.mark.usefixtures("unvalidated")
def test_failed_shard_leaves_no_manifest(config: Config, tmp_path: Path) -> None:
    """An assembly that is not whole is not deployed."""
    (tmp_path / "manifest.json").write_text("{}")
    good = Shard(config=config, tenants=("shortest",), cells=(), outdir=tmp_path, context={})
    bad = Shard(config=config, tenants=("nobody",), cells=(), outdir=tmp_path, context={})
    with pytest.raises(ValueError, match="nobody"):
        run_in_shards(synthesize, [good, bad], tmp_path)
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("tenants", "processes", "sizes"),
    [
        (0, 8, [0]),
        (1, 8, [1]),
        (299, 8, [299]),
        (300, 8, [150, 150]),
        (1000, 4, [250] * 4),
        (1000, 1, [1000]),
        (303, 2, [152, 151]),
    ],
)
def test_division(config: Config, tmp_path: Path, tenants: int, processes: int, sizes: list[int]) -> None:
    """Processes only where they pay off; every tenant in exactly one, in order; cells asked for in the first."""
    names = tuple(f"t{number}" for number in range(tenants))
    job = Shard(config=config, tenants=names, cells=("eu",), outdir=tmp_path, context={})
    parts = divide(job, processes)
    assert [len(part.tenants) for part in parts] == sizes
    assert tuple(name for part in parts for name in part.tenants) == names
    assert [part.cells for part in parts] == [("eu",), *[()] * (len(parts) - 1)]


def test_manifest_is_ordered_by_name(tmp_path: Path) -> None:
    """The order in which stacks were made leaves no trace."""
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": {"b": 1, "a": 2}}))
    settle_manifest(tmp_path)
    assert list(json.loads((tmp_path / "manifest.json").read_text())["artifacts"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("config_text", "context", "said"),
    [
        (None, {"tenant": "acmee"}, "acmee"),
        ("tenants: [{id: acme, subdomain: acme.example}]", {}, "tenants.yaml:1:"),
    ],
)
def test_nothing_is_synthesized_from_what_is_not_valid(
    tmp_path: Path, config_text: str | None, context: dict[str, str], said: str
) -> None:
    """Exit code 1, the problem on standard error, no traceback, and not a single file."""
    path = CONFIG
    if config_text is not None:
        path = tmp_path / "tenants.yaml"
        path.write_text(config_text)
    outdir = tmp_path / "out"
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps({"config": str(path), **context}),
    }
    command = [sys.executable, str(PROJECT_ROOT / "app.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not outdir.exists()
