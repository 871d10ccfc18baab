"""Figures of the documents are those of what they were counted or measured on."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from email_stack.cli.main import app
from email_stack.cli.output import ExitCode
from email_stack.config import Cell, Tenant
from email_stack.config.capacity import cell_needs, tenant_needs
from email_stack.dnscheck.model import Status
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.constructs_lib.test_records import MTA_STS, eight
from tests.mailroom.messages.corpus import CASES

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
WORDS = {"three": 3, "eight": 8, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thousand": 1000}


def figure(pattern: str, page: str = README) -> str:
    """The text that matches the pattern in its one place on a page, with any line breaks."""
    (found,) = re.findall(pattern, " ".join(page.split()))
    return str(found)


def benchmark(name: str) -> str:
    """A page that `make bench` wrote."""
    return (PROJECT_ROOT / "docs" / "benchmarks" / f"{name}.md").read_text(encoding="utf-8")


def rows(page: str, columns: int) -> list[list[str]]:
    """Rows of the tables of so many columns, without their heads."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")
    ]
    return [row for row in cells if len(row) == columns and re.match(r"[0-9]", row[1])]


def test_messages_of_the_corpus() -> None:
    """As many as the README says, and as the benchmark read."""
    assert int(figure(r"([0-9]+) messages, hypothesis")) == len(CASES)
    assert set(re.findall(r"raises on [0-9]+ of ([0-9]+)", benchmark("messages"))) == {str(len(CASES))}


def test_times_as_fast_as_the_standard_library() -> None:
    """Every kind of mail that was measured was read at least so many times as fast."""
    ratios = [float(figure(r"\(([0-9.]+)x\)", row[2])) for row in rows(benchmark("messages"), 5)]
    assert len(ratios) == 5
    assert min(ratios) >= WORDS[figure(r"(\w+) times as fast as the standard library")]


def test_checks_of_a_thousand_tenants() -> None:
    """Whatever the answers took, all of them were checked within ten seconds."""
    measured = rows(benchmark("dns"), 4)
    assert len(measured) == 2
    tenants = WORDS[figure(r"A (\w+) tenants take seconds")]
    assert all(float(row[1]) * tenants < 10_000 for row in measured)


def test_synthesis_of_one_tenant_among_many() -> None:
    """What one of a thousand took is what the only one took, but for a tenth."""
    measured = {
        row[0]: float(row[3].removesuffix(" s")) for row in rows(benchmark("synth"), 6) if row[3].endswith(" s")
    }
    assert list(measured) == ["1", "10", "100", "1,000"]
    assert measured["1,000"] <= 1.1 * measured["1"]


def size_of(path: Path) -> int:
    """Bytes of one file; none where it went since it was listed, as a file does while another process compiles a module."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.slow
def test_size_of_what_is_installed() -> None:
    """One figure in both documents; the environment of the tests, where it is the checkout's own, is of that size."""
    size = figure(r"`\.venv/` \(([0-9.]+) GB\)")
    assert (
        figure(r"`\.venv/` \(([0-9.]+) GB,", (PROJECT_ROOT / "docs" / "installing.md").read_text(encoding="utf-8"))
        == size
    )
    if Path(sys.prefix) == PROJECT_ROOT / ".venv":
        octets = sum(size_of(path) for path in Path(sys.prefix).rglob("*"))
        assert float(size) / 2 < octets / 1e9 < float(size) + 0.1  # less where nothing was compiled yet


def test_exit_codes_are_those_of_the_help() -> None:
    """The README says of each what `--help` says, and leaves none out."""
    listed = figure(r"Exit codes: (0 done.*?)\. `")
    assert [int(code) for code in re.findall(r"(?:^|, )([0-9]) ", listed)] == list(ExitCode)
    assert listed.replace("`", "") in " ".join(str(app.info.help).split())


def named_verdicts(test: ast.FunctionDef) -> set[str]:
    """Verdicts that a test, or one of its parameters, names."""
    return {
        node.attr
        for node in ast.walk(test)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Status"
    }


def test_every_verdict_is_tested_on_real_name_servers() -> None:
    """Each is named by a test that gets the name servers; there are as many as the README says."""
    tested = set[str]()
    for file in sorted((PROJECT_ROOT / "tests" / "dnscheck").glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "internet" in {one.arg for one in node.args.args}:
                tested |= named_verdicts(node)
    assert {status.name for status in Status} - tested == set()
    assert len(Status) == WORDS[figure(r"each of its (\w+) verdicts")]


def test_records_that_a_customer_installs() -> None:
    """Those of the model that are required, without what a tenant may ask for besides."""
    every = eight(redirect_domain="click.post.acme.example", mta_sts=MTA_STS)
    assert (
        len([record for record in every if record.required])
        == WORDS[figure(r"\(or the (\w+) records for the customer to install\)")]
    )


COUNTS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
]
CELL = Cell.model_validate({"id": "eu", "region": "eu-central-1"})
SHARED = Tenant.model_validate({"id": "acme", "subdomain": "post.acme.example", "cell": "eu"})
DEDICATED = SHARED.model_copy(update={"scanning": SHARED.scanning.model_copy(update={"mode": "dedicated"})})


@pytest.mark.parametrize(
    "quota",
    [
        "alarms",
        "buckets",
        "configuration_sets",
        "event_rules",
        "iam_roles",
        "identities",
        "kms_keys",
        "log_groups",
        "ses_tenants",
        "state_machines",
        "tables",
        "topics",
    ],
)
def test_what_the_configuration_says_of_a_quota(quota: str) -> None:
    """As many a tenant, of the cell and for a scanner of its own as are counted; where the page says none, there is none."""
    page = (PROJECT_ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    said = figure(rf"\| `{quota}` \| [^|]* \| ([^|]*) \|", page).lower()

    def counted(pattern: str) -> int:
        found = re.findall(rf"(\w+) {pattern}", said)
        return COUNTS.index(found[0]) if found else 0

    of_tenant, own = tenant_needs(SHARED, CELL).get(quota, 0), tenant_needs(DEDICATED, CELL).get(quota, 0)
    assert counted("a tenant") == of_tenant
    assert counted("(?:of the|a) cell") == cell_needs(CELL).get(quota, 0)
    assert counted("more for a scanner of its own") == own - of_tenant
