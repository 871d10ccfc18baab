"""Commands as a script and a person meet them: exit codes, one readable block, one JSON document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.deploying import synthesized
from email_stack.cli.output import CommandError, ExitCode
from email_stack.cli.selection import stack_names
from email_stack.config import load
from email_stack.output.printable import counted
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.cli.in_process import email_stack
from tests.validation import NO_VALIDATION

CONFIG = """\
cells:
  eu: {region: eu-central-1}
tenants:
  - {id: acme, subdomain: post.acme.example, addresses: [support]}
  - {id: globex, subdomain: post.globex.example, dns: self-managed, catch_all: true, live: false}
"""
CONTROL = "{issuer: 'https://login.acme.example', audience: mail}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A valid config of two tenants."""
    path = tmp_path / "tenants.yaml"
    path.write_text(CONFIG)
    return path


def installed(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed script, with nothing on PATH."""
    script = str(Path(sys.executable).with_name("email-stack"))
    given = {**os.environ, "PATH": "/nonexistent", "COLUMNS": "100", **environment}
    command = [script, *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT_ROOT, env=given, capture_output=True, text=True, check=False)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The same in this process. AWS, which cannot be reached, is asked once."""
    return email_stack(*arguments, PATH="/nonexistent", AWS_MAX_ATTEMPTS="1")


def as_json(*arguments: str | Path, code: int = 0) -> Any:
    """The one document that a command prints with --json."""
    done = run(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_example_is_valid_by_default() -> None:
    """Without options, the example at the root is checked."""
    done = installed("validate")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tenants.yaml is valid: ")


def test_region_that_something_is_known_against_is_a_warning(tmp_path: Path) -> None:
    """The config is valid all the same: one line on standard error, or `warnings` in the document, which others do not have."""
    path = tmp_path / "tenants.yaml"
    path.write_text(
        CONFIG.replace("eu-central-1}", "eu-central-1}\n  me: {region: me-south-1}")
        .replace("id: acme,", "id: acme, cell: eu,")
        .replace("id: globex,", "id: globex, cell: eu,")
    )
    done = run("validate", "--config", path)
    assert done.returncode == 0, done.stderr
    assert f'warning: {path}: cell "me": region me-south-1 is doubtful: ' in done.stderr
    assert done.stderr.count("warning") == 1
    (warning,) = as_json("validate", "--config", path)["warnings"]
    assert warning in done.stderr
    path.write_text(CONFIG)
    assert "warnings" not in as_json("validate", "--config", path)


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 tenants"), (1, "1 tenant"), (2, "2 tenants"), (1200, "1200 tenants")]
)
def test_counts_agree_with_their_noun(number: int, said: str) -> None:
    """One of something is not many."""
    assert counted(number, "tenant") == said


def test_one_tenant_in_one_cell(config: Path, tmp_path: Path) -> None:
    """What commands count is in the singular where there is one, and in the plural where there are more."""
    assert run("validate", "--config", config).stdout == f"{config} is valid: 2 tenants in 1 cell\n"
    single = tmp_path / "one.yaml"
    single.write_text("\n".join(CONFIG.splitlines()[:-1]))
    assert run("validate", "--config", single).stdout == f"{single} is valid: 1 tenant in 1 cell\n"
    listed = " ".join(run("list", "--config", single).stdout.split())
    assert "account of the credentials, 1 tenant " in listed


def test_problems_are_lines_that_editors_find(tmp_path: Path) -> None:
    """Every problem at once as file:line:column, exit code 1, no traceback; the same as JSON."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(CONFIG.replace("post.acme.example", "acme.example").replace("self-managed", "selfmanaged"))
    done = run("validate", "--config", bad)
    assert done.returncode == 1
    title, *lines = done.stderr.strip().splitlines()
    assert title.endswith("is not valid: 2 problems")
    assert [line.split(":")[1] for line in lines] == ["4", "5"]
    assert "Traceback" not in done.stderr
    problems = as_json("validate", "--config", bad, code=1)["problems"]
    assert [(problem["line"], problem["field"], problem["value"]) for problem in problems] == [
        (4, "subdomain", "acme.example"),
        (5, "dns", "selfmanaged"),
    ]
    assert all(problem["remedy"] for problem in problems)


def test_missing_config_is_one_line(tmp_path: Path) -> None:
    """A path that is not there is named."""
    done = run("list", "--config", tmp_path / "nowhere.yaml")
    assert done.returncode == 1
    assert "nowhere.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_list_tells_tenants_and_headroom(config: Path) -> None:
    """Counts by cell and by quota; the tables hold the same."""
    listed = as_json("list", "--config", config)
    assert [(t["id"], t["dns"], t["receives"], t["live"]) for t in listed["tenants"]] == [
        ("acme", "delegated", 3, True),
        ("globex", "self-managed", "any address", False),
    ]
    (cell,) = listed["cells"]
    quotas = {quota["quota"]: quota for quota in cell["quotas"]}
    assert quotas["receipt_rules"] == {"quota": "receipt_rules", "used": 2, "limit": 198, "left": 196}
    assert quotas["hosted_zones"]["used"] == 1
    assert quotas["iam_roles"] == {"quota": "iam_roles", "used": 11, "limit": 1000, "left": 989}
    assert quotas["function_memory_mib"]["limit"] == 3008
    text = run("list", "--config", config).stdout
    assert "post.globex.example" in text
    assert "196" in text
    assert "iam_roles" in text
    assert "989" in text


@dataclass(frozen=True)
class Synthesis:
    """What `synth` printed, and where it wrote to."""

    config: Path
    output: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """Of one tenant, by the installed script."""
    folder = tmp_path_factory.mktemp("synthesis")
    config, output = folder / "tenants.yaml", folder / "assembly"
    config.write_text(CONFIG)
    done = installed("synth", "globex", "--config", config, "--output", output, "--json", **NO_VALIDATION)
    return Synthesis(config, output, done)


@pytest.mark.slow
def test_synth_writes_one_tenant_and_its_cell(synthesis: Synthesis) -> None:
    """The assembly is where it was asked for; nothing else needs to be installed or on PATH."""
    done, output = synthesis.done, synthesis.output
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ok": True, "assembly": str(output), "stacks": ["Cell-eu", "Tenant-globex"]}
    assert sorted(path.name for path in output.glob("*.template.json")) == [
        "Cell-eu.template.json",
        "Tenant-globex.template.json",
    ]


def test_a_settings_api_is_deployed_with_its_cell(config: Path) -> None:
    """With all, or with the cell alone; a tenant is deployed without it. Its resources count."""
    config.write_text(
        CONFIG.replace("eu-central-1}", f"eu-central-1, quotas: {{concurrent_executions: 13}}, control: {CONTROL}}}")
    )
    loaded = load(config)
    assert stack_names(loaded, None) == ["Cell-eu", "Control-eu", "Tenant-acme", "Tenant-globex"]
    assert stack_names(loaded, ["acme"]) == ["Cell-eu", "Tenant-acme"]
    assert stack_names(loaded, [], "eu") == ["Cell-eu", "Control-eu"]
    (cell,) = as_json("list", "--config", config)["cells"]
    used = {quota["quota"]: quota["used"] for quota in cell["quotas"]}
    assert (used["iam_roles"], used["tables"], used["stacks"]) == (17, 3, 4)
    missing = run("deploy", "--cell", "us", "--config", config)
    assert (missing.returncode, 'cell "us": is not in this config' in missing.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_synthesis")
def test_a_cell_is_synthesized_alone(config: Path, tmp_path: Path) -> None:
    """Its settings API is beside it, and no tenant."""
    config.write_text(
        CONFIG.replace("eu-central-1}", f"eu-central-1, quotas: {{concurrent_executions: 13}}, control: {CONTROL}}}")
    )
    run_ = synthesized(config, [], ["Cell-eu", "Control-eu"], tmp_path / "assembly", "eu")
    assert run_.synthesized
    assert sorted(path.name for path in (tmp_path / "assembly").glob("*.template.json")) == [
        "Cell-eu.template.json",
        "Control-eu.template.json",
    ]


def test_unknown_tenant_is_named_with_the_nearest(config: Path) -> None:
    """A typing error is told, and nothing is run."""
    done = run("deploy", "acne", "--config", config)
    assert done.returncode == 1
    assert 'did you mean "acme"' in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy"],
        ["diff"],
        ["deploy", "acme", "--all"],
        ["deploy", "acme", "--cell", "eu"],
        ["deploy", "--cell", "eu", "--force"],
        ["destroy"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    """The command line itself is not right; nothing was read."""
    assert run(*arguments).returncode == 2


def test_deploying_very_many_is_refused_until_meant(config: Path) -> None:
    """--all beyond the threshold says how to mean it."""
    refused = as_json("deploy", "--all", "--yes", "--at-most", "1", "--config", config, code=5)
    assert (refused["ok"], refused["error"], refused["exit_code"]) == (False, "refused", 5)
    assert "--at-most 2" in refused["detail"]


def test_live_tenant_is_not_destroyed(config: Path) -> None:
    """The refusal says what would make it safe."""
    refused = as_json("destroy", "acme", "--yes", "--config", config, code=5)
    assert "set live: false" in refused["detail"]


@pytest.mark.slow
def test_destroy_shows_before_it_acts(config: Path) -> None:
    """Without --yes, only what would happen is said."""
    done = run("destroy", "globex", "--config", config)
    assert done.returncode == 0
    assert "would delete Tenant-globex; keeps its bucket and zone" in done.stdout


@pytest.mark.slow
def test_failure_of_the_cdk_is_one_block(synthesis: Synthesis) -> None:
    """What the CDK said of its failure, with exit code 3."""
    asked = CdkRun(
        verb="synth",
        stacks=["Nowhere"],
        config=synthesis.config,
        tenants=["globex"],
        assembly=synthesis.output,
        synthesized=True,
    )
    with pytest.raises(CommandError, match="Nowhere") as caught:
        run_cdk(asked, on_line=lambda _: None)
    assert caught.value.title == "cdk synth failed with exit code 1"
    assert caught.value.code is ExitCode.CDK_FAILED
    assert "Traceback" not in caught.value.text


def test_help_tells_the_exit_codes() -> None:
    """What scripts may rely on is in the help."""
    text = " ".join(run("--help").stdout.split())
    for code in ("0 done", "1 config not valid", "3 CDK or CloudFormation failed", "5 refused as unsafe"):
        assert code in text
