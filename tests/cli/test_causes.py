"""Why the CDK CLI failed: the exception that ended the app is told, whatever it is called and whatever its message holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.cli.causes import cause_of
from email_stack.cli.cdk import CdkRun, run_cdk
from email_stack.cli.output import CommandError, ExitCode
from email_stack.output.printable import visible
from email_stack.synthesis.failure import TOLD, told
from email_stack.synthesis.toolchain import PROJECT_ROOT

CONFIG = PROJECT_ROOT / "tests/stacks/tenants.yaml"
ENDED = "/venv/bin/python -O /project/app.py: Subprocess exited with error 1"

# Stands in for a fault in the app: Python runs it before app.py.
FAILING = """
import os, signal, sys
import email_stack.synthesis.sharding

def divide(whole):
    {body}

email_stack.synthesis.sharding.divide = divide
"""


def failed(body: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cause of a failed real run of the CDK CLI with an app that does `body`."""
    (folder / "sitecustomize.py").write_text(FAILING.format(body=body))
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{PROJECT_ROOT}")
    run = CdkRun(verb="synth", stacks=(), config=CONFIG, tenants=["shortest"])
    with pytest.raises(CommandError) as caught:
        run_cdk(run, on_line=lambda _: None)
    assert caught.value.code is ExitCode.CDK_FAILED
    return caught.value.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("raise ValueError('a: b must be c, got d; do e')", "ValueError: a: b must be c, got d; do e\n"),
        ("raise StopIteration('first\\\\n\\\\nthird \\\\x1b[2J')", "StopIteration: first\n\nthird \\x1b[2J\n"),
        ("sys.exit('no tenant\\\\nat all')", "no tenant\nat all\n"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL ended app.py, as the kernel does where memory is short"),
        ("import aws_cdk; aws_cdk.Fn.cidr('a', -1)", "RuntimeError: MustBeFnCidrSCountAttribute: Fn::Cidr's count"),
        (
            "from aws_cdk import App, Stack; a = App(); Stack(a, 'S'); Stack(a, 'S')",
            "already a Construct with name 'S'",
        ),
    ],
)
def test_what_ends_the_app_is_told(body: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the real CDK CLI: exceptions of any name, several lines, a text of SystemExit, the CDK's own, a signal."""
    assert text in failed(body.replace("\\\\", "\\"), tmp_path, monkeypatch)


def test_app_that_does_not_start_is_told() -> None:
    """What fails before the app can say anything of it is read from Python's traceback, the last of a chain."""
    program = "try:\n    {}['a']\nexcept KeyError as e:\n    raise LookupError('one\\n\\n two') from e"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert cause_of([*done.stderr.splitlines(), ENDED]) == "LookupError: one\n two\napp.py ended with exit code 1"


@pytest.mark.parametrize(
    ("ended", "how"),
    [
        ("error 139", "SIGSEGV ended app.py"),
        ("error 143", "SIGTERM ended app.py"),
        ("error null", "a signal ended app.py"),
        ("error 3", "app.py ended with exit code 3"),
    ],
)
def test_how_the_app_ended_is_told(ended: str, how: str) -> None:
    """A signal by its name, anything else by its code, behind the last that the app said."""
    assert cause_of(["said last", f"app.py: Subprocess exited with {ended}"]) == f"said last\n{how}"


def test_causes_are_told_in_a_line_each() -> None:
    """What an exception was raised from stands behind it; the stack of another process does not."""
    inner, middle, outer = KeyError("inner"), OSError("mid\ndle"), RuntimeError("outer")
    outer.__cause__, middle.__context__ = middle, inner
    lines = [f"{TOLD}RuntimeError: outer", f"{TOLD}caused by OSError: mid", f"{TOLD}caused by KeyError: 'inner'"]
    assert told(outer).splitlines() == lines
    inner.__context__ = outer
    assert told(outer).splitlines() == lines


@given(st.text(max_size=300))
def test_no_message_hides_the_exception(message: str) -> None:
    """Whatever a message holds: the exception's name is told first, and all of it is printable."""

    class Odd(Exception):  # noqa: N818 - a name that says nothing of an error
        """Of no telling name."""

    text = cause_of(["warning: error of somebody else's", *told(Odd(message)).split("\n"), ENDED])
    assert re.match(r"\S*Odd\b", text)
    assert text == "\n".join(visible(line) for line in text.split("\n"))
    assert text.endswith("\napp.py ended with exit code 1")


def test_long_messages_are_cut() -> None:
    """At most 60 lines of 1,000 characters."""
    lines = told(ValueError("x" * 5_000 + "\ny" * 5_000)).splitlines()
    assert len(lines) == 61
    assert max(map(len, lines)) < 1_100


def test_cause_is_what_failed_each_once() -> None:
    """Of everything that was said, what tells why; without such a line, the end of it."""
    failed = "Cell-eu | 3/9 | CREATE_FAILED | Custom::X | Activation: set is active here"
    assert cause_of(["Outputs:", failed, failed, "❌ Cell-eu failed: ..."]).splitlines() == [
        failed,
        "❌ Cell-eu failed: ...",
    ]
    assert cause_of([f"line {number}" for number in range(30)]).splitlines() == [f"line {n}" for n in range(20, 30)]
