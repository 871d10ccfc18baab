"""The documentation does what it says: its code runs, its links lead somewhere, its example output is the program's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from constructs import Construct

import constructs_lib
from constructs_lib import names
from constructs_lib.encryption import Home
from constructs_lib.key_policy import needed_statements
from email_stack.config import ConfigError, load
from email_stack.dns_setup.model import Format
from email_stack.dnscheck.model import Status
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.examples import EXAMPLES, blocks, synthesized_example

PAGES = [PROJECT_ROOT / "README.md", PROJECT_ROOT / "CONTRIBUTING.md", *sorted((PROJECT_ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the project."""
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("page", EXAMPLES)
def test_library_examples_synthesize(page: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The code that a platform engineer copies runs as it stands, with nothing on PATH, from any folder."""
    assert list(synthesized_example(page, tmp_path_factory).glob("*.template.json"))


def test_readme_config_is_valid_and_its_error_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example loads; made wrong as the text says, it gives the very line that the text shows."""
    monkeypatch.chdir(tmp_path)
    page = PROJECT_ROOT / "README.md"
    (text,) = blocks(page, "yaml")
    Path("tenants.yaml").write_text(text, encoding="utf-8")
    assert [tenant.id for tenant in load(Path("tenants.yaml")).tenants] == ["acme", "globex"]
    Path("tenants.yaml").write_text(text.replace("tickets.globex.example", "globex.example"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("tenants.yaml"))
    assert str(caught.value) in page.read_text(encoding="utf-8")


def test_onboarding_names_every_status_and_format() -> None:
    """The tables of the page are those of the program."""
    text = (PROJECT_ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")
    first_cells = [re.findall(r"`([a-z][a-z-]*)`", row) for row in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)]
    named = {name for names in first_cells for name in names}
    assert named == {status.value for status in Status} | {form.value for form in Format}


def test_constructs_page_names_every_construct() -> None:
    """Each that can be imported has its row, and no other row is there."""
    text = (PROJECT_ROOT / "docs" / "constructs.md").read_text(encoding="utf-8")
    exported = {name: getattr(constructs_lib, name) for name in dir(constructs_lib)}
    constructs = {name for name, one in exported.items() if issubclass(one, Construct)}
    assert set(re.findall(r"^\| `([A-Z]\w+)` \|", text, re.MULTILINE)) == constructs


def test_constructs_page_has_what_an_imported_key_needs() -> None:
    """The statements are the constructs' own, for an account and a region."""
    (shown,) = blocks(PROJECT_ROOT / "docs" / "constructs.md", "json")
    home = Home(partition="aws", region="eu-central-1", account="123456789012")
    scanner, *tables = (f"arn:aws:iam::123456789012:role/{name}" for name in ("SCANNER", "TRACKING", "BOOKS"))
    assert json.loads(shown) == needed_statements(
        home, scanner_role_arns=[scanner], tables_role_arns=tables, alarms=True
    )


def test_configuration_names_the_domains_of_aws() -> None:
    """Each that is listed is refused, with all below it, and none is refused that is not listed."""
    text = (PROJECT_ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^- nothing of AWS's: (.*);$", text, re.MULTILINE)
    listed = re.findall(r"`([a-z.]+)`", line)
    assert set(listed) == names._AWS_DOMAINS
    for domain in listed:
        for subdomain in (f"mail.{domain}", f"a.b.{domain}"):
            with pytest.raises(ValueError, match="which is AWS's"):
                names.tenant_subdomain(subdomain)


def test_every_decision_is_a_page_of_its_own() -> None:
    """Numbers follow each other, and the title repeats the number."""
    decisions = sorted((PROJECT_ROOT / "docs" / "decisions").glob("*.md"))
    for number, decision in enumerate(decisions, start=1):
        assert decision.name.startswith(f"{number:04}-")
        assert decision.read_text(encoding="utf-8").startswith(f"# {number}. ")
