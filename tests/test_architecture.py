"""The way of a message, as docs/architecture.md has it, is the way that the code goes."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| [^|]+ \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
ENTRY = "on_event"


class Step(NamedTuple):
    """One row: a file, the function or method of it that does the step, and the file that calls that."""

    file: str
    function: str
    caller: str


STEPS = [Step(*row) for row in ROW.findall(PAGE)]


@cache
def tree(file: str) -> ast.Module:
    """The code of one file of the project."""
    return ast.parse((PROJECT_ROOT / file).read_text(encoding="utf-8"))


def module(file: str) -> str:
    """Its dotted name."""
    return file.removesuffix(".py").replace("/", ".")


def faults(step: Step) -> list[str]:
    """Faults of the step in the code."""
    missing = [file for file in (step.file, step.caller) if not (PROJECT_ROOT / file).is_file()]
    if missing:
        return [f"no file {file}" for file in missing]
    found = [] if is_defined(step) else [f"{step.file} does not define {step.function}"]
    return found if is_called(step) else [*found, f"{step.caller} does not call {step.function}"]


def is_defined(step: Step) -> bool:
    """Whether the file defines the function, or the class with its method."""
    body: list[ast.stmt] = tree(step.file).body
    for name in step.function.split("."):
        named = [one for one in body if isinstance(one, (ast.ClassDef, ast.FunctionDef)) and one.name == name]
        if not named:
            return False
        body = named[0].body
    return True


def is_called(step: Step) -> bool:
    """Whether the caller imports it, or an object of that file, and uses it; a construct names a function's entry instead."""
    nodes = list(ast.walk(tree(step.caller)))
    if step.function == ENTRY:
        return f"{module(step.file)}.{ENTRY}" in {one.value for one in nodes if isinstance(one, ast.Constant)}
    imported = {
        alias.name
        for one in nodes
        if isinstance(one, ast.ImportFrom) and one.module in {module(step.file), module(step.file).rpartition(".")[0]}
        for alias in one.names
    }
    holder, _, method = step.function.rpartition(".")
    if not holder:
        return step.function in imported and step.function in {one.id for one in nodes if isinstance(one, ast.Name)}
    of_class = {holder, *instances(step.file, holder)}
    return bool(of_class & imported) and method in {one.attr for one in nodes if isinstance(one, ast.Attribute)}


def instances(file: str, of: str) -> set[str]:
    """Names of the module that are objects of the class."""
    return {
        one.target.id
        for one in tree(file).body
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and isinstance(one.value, ast.Call)
        and isinstance(one.value.func, ast.Name)
        and one.value.func.id == of
    }


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.file}:{step.function}")
def test_step_is_in_the_code(step: Step) -> None:
    """Its file has the function, and the file that is said to call it does."""
    assert faults(step) == []


def test_way_is_whole() -> None:
    """It begins with the bucket and ends with the event; a step before calls each, or the construct that deploys it names it."""
    assert STEPS[0].function == "TenantInbox"
    assert STEPS[-1].function == "EventPublisher.publish"
    assert [step.file for step in STEPS if step.function == ENTRY] == [
        "mailroom/functions/sorting.py",
        "mailroom/functions/scanner.py",
        "mailroom/functions/ingest.py",
    ]
    known: set[str] = set()
    for step in STEPS:
        assert step.caller in known or step.caller.startswith("constructs_lib/"), step
        known.add(step.file)
    assert len(STEPS) == len(set(STEPS)) == PAGE.count("\n| ") - 1


def test_other_files_of_the_page_are_there() -> None:
    """Every path in the text is a file."""
    named = re.findall(r"`((?:constructs_lib|email_stack|mailroom)/[a-z_/]+\.py)`", PAGE)
    assert len(named) > len(STEPS)
    assert [file for file in named if not (PROJECT_ROOT / file).is_file()] == []


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_wrong_step_is_noticed(number: int) -> None:
    """A function that is not there, and a caller that does not call it: the caller of another part of the way."""
    step = STEPS[number]
    assert faults(step._replace(function=f"{step.function}_not"))
    assert faults(step._replace(file=f"{step.file}x"))
    other = "mailroom/outbox/pacing.py"
    assert faults(step._replace(caller=other)) == [f"{other} does not call {step.function}"]
