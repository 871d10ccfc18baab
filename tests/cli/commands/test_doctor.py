"""doctor: its lines, JSON and exit codes; what it asks of AWS is tests/e2e's business."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from email_stack.cli.commands import doctor
from email_stack.cli.main import app
from email_stack.cli.output import ExitCode, console
from email_stack.doctor.model import CellDiagnosis, Diagnosis, Line, State, Verdict
from tests.config.configs import with_tenant
from tests.status.samples import HOSTILE

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """One tenant."""
    file = tmp_path / "tenants.yaml"
    file.write_text(with_tenant(""))
    return str(file)


def line(check: str, state: State = State.OK, said: str = "so", remedy: str = "", about: str = "") -> Line:
    """One line."""
    return Line(check=check, about=about, verdict=Verdict(state=state, said=said, remedy=remedy))


def diagnosis(*lines: Line, machine: State = State.OK) -> Diagnosis:
    """These lines of one cell, and one of the machine."""
    cell = CellDiagnosis(cell="eu", region="eu-central-1", account="111111111111", lines=lines)
    return Diagnosis(at=NOW, machine=(line("node", machine),), cells=(cell,))


def run(monkeypatch: pytest.MonkeyPatch, found: Diagnosis, *options: str) -> Any:
    """The command, where this is so."""
    monkeypatch.setattr(doctor, "diagnose", lambda *_arguments, **_named: found)
    monkeypatch.setattr(console, "width", 250)
    return CliRunner().invoke(app, ["doctor", *options])


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.OK], ExitCode.OK),
        ([State.OK, State.BY_HAND], ExitCode.OK),
        ([State.BY_HAND, State.UNKNOWN], ExitCode.AWS_FAILED),
        ([State.UNKNOWN, State.WRONG], ExitCode.DIFFERENT),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, config: str, states: list[State], code: ExitCode) -> None:
    """The worst of all lines decides; what AWS has no answer to decides nothing."""
    found = diagnosis(*(line("quota", state) for state in states))
    assert run(monkeypatch, found, "--config", config).exit_code == code


def test_without_credentials_nothing_else_decides(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """Also where this machine lacks something: AWS was not asked."""
    found = diagnosis(line("credentials", State.UNKNOWN), machine=State.WRONG)
    assert run(monkeypatch, found, "--config", config).exit_code == ExitCode.AWS_FAILED


def test_lines(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """How many of which state, a line a check, and what to do below it."""
    found = diagnosis(
        line("bootstrap", State.WRONG, "was not bootstrapped", "run: cdk bootstrap"),
        line("quota", State.UNKNOWN, "needs permission iam:GetAccountSummary", about="iam_roles"),
        line("quota", State.BY_HAND, "no API tells", "ask", about="function_memory_mib"),
    )
    said = [one.rstrip() for one in run(monkeypatch, found, "--config", config).stdout.splitlines()]
    assert said == [
        "2026-11-24 09:30:00 UTC  4 checks: 1 to do, 1 not known, 1 by hand, 1 ok",
        "this machine",
        "  ok        node: so",
        "cell eu: eu-central-1, account 111111111111",
        "  to do     bootstrap: was not bootstrapped",
        "            run: cdk bootstrap",
        "  not known quota iam_roles: needs permission iam:GetAccountSummary",
        "  by hand   quota function_memory_mib: no API tells",
        "            ask",
    ]


def test_json(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """All of it, for scripts."""
    found = diagnosis(line("quota", State.WRONG, "5 allowed, 7 needed", "request 7", about="iam_roles"))
    done = run(monkeypatch, found, "--config", config, "--json")
    assert json.loads(done.stdout) == {
        "ok": False,
        "exit_code": 6,
        "at": "2026-11-24T09:30:00+00:00",
        "machine": [{"check": "node", "about": None, "state": "ok", "said": "so", "remedy": ""}],
        "cells": [
            {
                "cell": "eu",
                "region": "eu-central-1",
                "account": "111111111111",
                "checks": [
                    {
                        "check": "quota",
                        "about": "iam_roles",
                        "state": "wrong",
                        "said": "5 allowed, 7 needed",
                        "remedy": "request 7",
                    }
                ],
            }
        ],
    }


def test_what_strangers_say_prints(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """And does nothing to the terminal."""
    done = run(monkeypatch, diagnosis(line("rule_set", State.WRONG, HOSTILE, HOSTILE)), "--config", config)
    assert "alert(1)" in done.stdout
    assert not any(one in done.stdout for one in "\x1b\x00\u202e")


def test_unknown_cell_is_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """As with tenants; nothing is asked."""
    done = run(monkeypatch, diagnosis(), "ue", "--config", config)
    assert done.exit_code == 1
    assert 'cell "ue"' in str(done.exception)
