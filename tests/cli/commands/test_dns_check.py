"""dns-check --watch, interrupted."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from typer.testing import CliRunner

from email_stack.cli.commands import dns_check
from email_stack.cli.main import app
from email_stack.cli.output import ExitCode, console


def test_interrupted_while_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to end while the changes are being printed, it prints the whole at once and exits with its code."""
    printed: list[str] = []

    def interrupted(line: str, **_options: Any) -> None:
        printed.append(line)
        if len(printed) == 1:
            signal.raise_signal(signal.SIGINT)

    # Where the tests run in a shell's background, the signal is ignored, and would stay so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    found = dns_check._Round({}, {"acme": "deploy it first"})
    monkeypatch.setattr(dns_check, "checked_account", lambda _cell: None)
    monkeypatch.setattr(dns_check, "_check", lambda *_arguments: found)
    monkeypatch.setattr(console, "print", interrupted)
    done = CliRunner().invoke(app, ["dns-check", "acme", "--watch"])
    after = signal.signal(signal.SIGINT, before)
    assert done.exit_code == ExitCode.NOT_DEPLOYED
    assert printed[1:] == ["not deployed yet: deploy it first"]
    assert after is signal.default_int_handler
