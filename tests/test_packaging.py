"""Metadata of an installed package; all its imports are installed with it."""

from __future__ import annotations

import ast
import functools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT

PACKAGES = ("constructs_lib", "email_stack", "emulator", "mailroom")
PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_PART_OF = {"botocore": "boto3", "jsii": "aws-cdk-lib", "pydantic_core": "pydantic"}
"""Cores that are released with what is declared, each pinned by it."""

IN_THE_IMAGE_ONLY = {"asn1crypto", "awslambdaric", "brotli", "dns", "libarchive"}
"""What the lock file beside the scanner's Dockerfile installs, and for `email-stack scan` the extra `platform`."""

OPTIONAL = {"pybase64"}
"""The extra `fast`: used where it is installed, and missed by nothing."""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _distributions(requirements: list[str]) -> set[str]:
    return {_normal(match[0]) for one in requirements if (match := re.match(r"[A-Za-z0-9._-]+", one))}


@functools.cache
def _imports(module: Path) -> frozenset[str]:
    """Packages that a module imports at run time, whether at the top or inside a function."""
    return frozenset(_imported(ast.parse(module.read_text(encoding="utf-8"))))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        # No expression holds a statement.
        if not isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        yield from _imported(node)


def _declared(*extras: str) -> set[str]:
    """Distributions that the wheel asks for, and those of the extras."""
    optional = PROJECT["project"]["optional-dependencies"]
    return _distributions([*PROJECT["project"]["dependencies"], *(one for extra in extras for one in optional[extra])])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "extras"),
    [
        ("mailroom", ()),
        ("constructs_lib", ("constructs",)),
        ("email_stack", ("constructs", "platform", "api")),
        ("emulator", ("emulator",)),
    ],
)
def test_whatever_is_imported_is_installed(package: str, extras: tuple[str, ...]) -> None:
    """Each library that a module imports comes with the wheel or with its package's extra, and none only with the tests."""
    declared, belongs = _declared(*extras), packages_distributions()
    missing: dict[str, set[str]] = {}
    for module in (PROJECT_ROOT / package).rglob("*.py"):
        for name in _imports(module):
            if name in sys.stdlib_module_names or name in {*PACKAGES, *IN_THE_IMAGE_ONLY, *OPTIONAL}:
                continue
            if not declared & set(map(_normal, [*belongs.get(name, []), _PART_OF.get(name, "")])):
                missing.setdefault(name, set()).add(str(module.relative_to(PROJECT_ROOT)))
    assert missing == {}


@pytest.mark.slow
def test_applications_install_no_more_than_they_need() -> None:
    """Each library that every installation gets is one that `mailroom` imports."""
    imported = {name for module in (PROJECT_ROOT / "mailroom").rglob("*.py") for name in _imports(module)}
    belongs = packages_distributions()
    assert _declared() <= {_normal(one) for name in imported for one in belongs.get(name, [])}


@pytest.mark.slow
def test_the_settings_function_imports_what_its_lock_has() -> None:
    """Whatever its entry loads from elsewhere is locked beside it, so that the function starts with nothing else."""
    lock = (PROJECT_ROOT / "email_stack" / "settings" / "requirements.lock").read_text(encoding="utf-8")
    locked = {_normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==", lock, re.MULTILINE)}
    code = (
        "import sys, email_stack.settings.function\n"
        f"print(*(one.__file__ for name, one in sys.modules.items() if name.partition('.')[0] in {PACKAGES}), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    imported = (
        {name for file in done.stdout.splitlines() for name in _imports(Path(file))}
        - set(PACKAGES)
        - OPTIONAL
        - sys.stdlib_module_names
    )
    belongs = packages_distributions()
    named = {name: {*map(_normal, belongs.get(name, [])), _PART_OF.get(name, "")} for name in imported}
    assert {name for name, distributions in named.items() if not locked & distributions} == set()


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """Metadata of the build backend, made from a copy, because it leaves files beside its sources."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT_ROOT / name, copy / name)
    for package in PACKAGES:
        (copy / package).mkdir()
        (copy / package / "__init__.py").touch()
    code = "import setuptools.build_meta as b; print(b.prepare_metadata_for_build_wheel('out'))"
    (copy / "out").mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [written] = Path(copy / "out").glob("*.dist-info/METADATA")
    return message_from_string(written.read_text(encoding="utf-8"))


def test_metadata_says_who_what_and_for_which_python(metadata: Message) -> None:
    """Author, licence, classifiers of every Python that it runs on; no address that does not exist."""
    assert metadata["Author"] == "The email-subdomain-platform authors"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Keywords"]
    classifiers = metadata.get_all("Classifier") or []
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)} <= set(classifiers)
    assert "Typing :: Typed" in classifiers
    assert not [one for one in classifiers if one.startswith("License ::")]
    assert metadata.get_all("Project-URL") is None
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_metadata_names_the_package_that_metrics_need(metadata: Message) -> None:
    """`mailroom.metrics` works from an installed wheel."""
    everywhere = [one for one in metadata.get_all("Requires-Dist") or [] if "extra ==" not in one]
    assert "aws-lambda-powertools" in _distributions(everywhere)
