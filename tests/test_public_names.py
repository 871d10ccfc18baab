"""Imports of users: `from mailroom import ...` and `from constructs_lib import ...`, and none deeper."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, is_typeddict

import pytest

import constructs_lib
import mailroom
from email_stack.synthesis.toolchain import PROJECT_ROOT

PACKAGES = {"mailroom": mailroom, "constructs_lib": constructs_lib}


def names_of(package: str) -> list[str]:
    """Its public names."""
    return dir(PACKAGES[package])


def loaded_by(code: str) -> set[str]:
    """The modules that a new process has loaded after `code`."""
    program = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def pages_with_code() -> list[Path]:
    """Documents that show Python."""
    return [
        page
        for page in (PROJECT_ROOT / "README.md", *(PROJECT_ROOT / "docs").glob("*.md"))
        if "```python" in page.read_text()
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package: str) -> None:
    """Each is loaded from where it is defined, keeps its name, and says what it is."""
    assert len(names_of(package)) > 25
    for name in names_of(package):
        found: Any = getattr(PACKAGES[package], name)
        assert found.__name__ == name
        assert found.__doc__
        assert getattr(import_module(found.__module__), name) is found


@pytest.mark.parametrize("package", PACKAGES)
def test_star_import_gives_the_public_names(package: str) -> None:
    """`__all__` is the same list, made from the imports in the package's file."""
    found: dict[str, object] = {}
    exec(f"from {package} import *", found)
    assert set(found) - {"__builtins__"} == set(names_of(package))


def test_mailroom_offers_what_applications_need() -> None:
    """Reading, sending, addresses, events and errors."""
    wanted = {
        "Address",
        "AddressBook",
        "MailroomError",
        "MessageReader",
        "Outbox",
        "Outgoing",
        "safe_html",
        "thread_messages",
    }
    assert wanted <= set(names_of("mailroom"))


def test_package_is_cheap_to_import() -> None:
    """Neither AWS's libraries nor the CDK are loaded with it, nor what reads its source."""
    # What measures coverage loads some of it by itself.
    loaded = loaded_by("import mailroom") - loaded_by("pass")
    assert {name.partition(".")[0] for name in loaded} & {
        "ast",
        "aws_cdk",
        "boto3",
        "botocore",
        "constructs",
        "jsii",
        "nh3",
    } == set()
    assert {name for name in loaded if name.startswith("mailroom")} == {"mailroom", "mailroom.lazy_imports"}
    assert not {"aws_cdk", "jsii"} & loaded_by("import constructs_lib")


def test_every_name_of_mailroom_loads_without_the_cdk() -> None:
    """Applications do not install it."""
    loaded = loaded_by("from mailroom import *")
    assert "boto3" in loaded
    assert not {"aws_cdk", "constructs_lib", "email_stack", "jsii"} & loaded


def test_unknown_name_is_an_error() -> None:
    """At run time, and for type checkers: if they took any name, `attr-defined` would be a comment without use."""
    with pytest.raises(AttributeError, match="module 'mailroom' has no attribute 'MesageReader'"):
        mailroom.MesageReader  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="module 'constructs_lib' has no attribute 'TenantSubdomian'"):
        constructs_lib.TenantSubdomian  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="_imports"):
        exec("from mailroom import _imports")


def test_types_are_known() -> None:
    """mypy reads the names as what they are: `make types` fails where one is not."""

    def answered(reader: mailroom.MessageReader, outbox: mailroom.Outbox) -> mailroom.Progress | None:
        page: mailroom.Page[mailroom.ThreadSummary] = reader.threads(limit=1)
        (first,) = page.items
        message: mailroom.Message = mailroom.parse(b"")
        sender: mailroom.Address = message.from_[0]
        outgoing = mailroom.Outgoing(sender=sender, to=(sender,), subject=first.subject)
        return outbox.send(outgoing, key="order-17")

    assert set(answered.__annotations__.values()) == {
        "mailroom.MessageReader",
        "mailroom.Outbox",
        "mailroom.Progress | None",
    }


@pytest.mark.parametrize("page", pages_with_code(), ids=lambda page: page.name)
def test_documents_import_public_names_alone(page: Path) -> None:
    """What users copy never reaches into a package."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^(?:from|import) (?:mailroom|constructs_lib)\.(?!records\b)", text, re.MULTILINE) == []
    for package, names in re.findall(r"^from (mailroom|constructs_lib) import (\([^)]*\)|.*)$", text, re.MULTILINE):
        listed = re.sub(r"#.*", "", names)
        assert set(re.findall(r"\w+", listed)) <= set(names_of(package))


def undocumented(where: str, of: Any) -> list[str]:
    """Arguments of a function or of a class that its docstring leaves out; scope and id of a construct explain themselves."""
    documented = set(re.findall(r"^\s+(\w+): ", inspect.getdoc(of) or "", re.MULTILINE))
    makes_objects = isinstance(of, type)
    called = of.__init__ if makes_objects else of
    arguments = set(inspect.signature(called).parameters) - {"self", "scope", "id", "props"}
    return [f"{where}({one})" for one in sorted(arguments - documented)]


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_name_every_argument(package: str) -> None:
    """Of each public class and function, and of each public method of `mailroom`."""
    missing = []
    for name in names_of(package):
        found: Any = getattr(PACKAGES[package], name)
        if is_typeddict(found) or (isinstance(found, type) and issubclass(found, (Enum, Exception))):
            continue
        missing += undocumented(name, found)
        if isinstance(found, type) and package == "mailroom":
            for method in vars(found):
                one = getattr(found, method)
                if not method.startswith("_") and callable(one):
                    missing += undocumented(f"{name}.{method}", one)
    assert missing == []
