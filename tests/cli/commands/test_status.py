"""status: the tables, JSON, the page as a file, and --watch; what it reads of AWS is tests/e2e's business."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from email_stack.cli.commands import status
from email_stack.cli.main import app
from email_stack.cli.output import ExitCode, console
from email_stack.cli.status_view import print_snapshot
from email_stack.status.model import Check, Part, Snapshot, State, TenantStatus
from tests.config.configs import with_tenant
from tests.status.samples import HOSTILE, NOW, cell, mixed, tenant

PENDING = Check(state=State.PENDING, reason="SES says PENDING of the DKIM signature")
ABSENT = TenantStatus(tenant="acme", subdomain="post.acme.example", cell="eu", absent="deploy it first")
UNKNOWN = Check(state=State.UNKNOWN, reason="AccessDenied")


@pytest.fixture
def config(tmp_path: Path) -> str:
    """One tenant."""
    file = tmp_path / "tenants.yaml"
    file.write_text(with_tenant(""))
    return str(file)


def run(monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot, *options: str) -> Any:
    """The command, where this is the state."""
    monkeypatch.setattr(status, "collect", lambda *_arguments, **_named: snapshot)
    monkeypatch.setattr(console, "width", 250)
    return CliRunner().invoke(app, ["status", *options])


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (tenant("acme"), ExitCode.OK),
        (tenant("acme", {Part.DKIM: PENDING}), ExitCode.PENDING),
        (ABSENT, ExitCode.NOT_DEPLOYED),
        (tenant("acme", {Part.ALERTS: UNKNOWN}), ExitCode.AWS_FAILED),
        (tenant("acme", {Part.SPF: Check(state=State.WRONG)}), ExitCode.DIFFERENT),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, config: str, one: TenantStatus, code: ExitCode) -> None:
    """The worst of all decides."""
    done = run(monkeypatch, Snapshot(at=NOW, cells=(cell("eu"),), tenants=(one,)), "--config", config)
    assert done.exit_code == code


def test_tables(monkeypatch: pytest.MonkeyPatch, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A row a tenant, a row a cell, and why."""
    done = run(monkeypatch, mixed(), "--config", config)
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == "2026-11-24 09:30:00 UTC  12 tenants: 4 wrong, 1 unknown, 1 not deployed, 1 pending, 5 ok"
    assert lines[1].split()[:4] == ["tenant", "state", "delegation", "MX"]
    (hooli,) = [line for line in lines if line.startswith("hooli ")]
    assert "0, 3 dead, wrong" in hooli
    assert "wonka: not deployed: was not deployed yet" in lines
    assert "umbrella: MX missing: post.umbrella.example MX is missing: add it" in lines


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (
            200,
            "tenant state delegation MX DKIM MAIL FROM SPF DMARC rule sending bounced, complained alerts "
            "definitions queues last in last out held",
        ),
        (132, "tenant state DNS rule sending alerts definitions queues last in last out held"),
        (80, "tenant state DNS last in last out held"),
    ],
)
def test_columns_that_fit(width: int, heads: str) -> None:
    """A row a line, and nothing folded: what has no column is told below."""
    with io.StringIO() as text:
        print_snapshot(mixed(), Console(file=text, width=width))
        lines = text.getvalue().splitlines()
    assert " ".join(lines[1].split()) == heads
    assert [line.split()[0] for line in lines[2:14]] == [one.tenant for one in mixed().tenants]
    (initech,) = [line for line in lines[2:14] if line.startswith("initech")]
    assert ("SPF wrong" in initech) == (width < 200)


def test_what_strangers_say_prints(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """And does nothing to the terminal."""
    bad = Check(state=State.WRONG, reason=HOSTILE)
    done = run(monkeypatch, Snapshot(at=NOW, cells=(), tenants=(tenant("acme", {Part.SPF: bad}),)), "--config", config)
    assert "alert(1)" in done.stdout
    assert not any(one in done.stdout for one in "\x1b\x00\u202e")


def test_json(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """All of it, for scripts."""
    found = json.loads(run(monkeypatch, mixed(), "--config", config, "--json").stdout)
    assert (found["ok"], found["exit_code"], found["at"]) == (False, 6, "2026-11-24T09:30:00+00:00")
    assert found["counts"] == {"wrong": 4, "unknown": 1, "absent": 1, "pending": 1, "ok": 5}
    acme = found["tenants"][0]
    assert acme["last_mail_in"] == "2026-11-24T09:18:00+00:00"
    assert acme["last_mail_out"] == "2026-11-24T06:30:00+00:00"
    assert acme["held"] == {"encrypted": 4, "over-limit": 1}
    assert set(acme["checks"]) == {part.value for part in Part} - {"settings"}
    assert [one["definitions_confirmed"] for one in found["cells"]] == [
        "2026-11-24T06:30:00+00:00",
        "2026-11-23T02:30:00+00:00",
    ]


def test_page_is_there_whole(monkeypatch: pytest.MonkeyPatch, config: str, tmp_path: Path) -> None:
    """Or not at all; nothing else is left beside it."""
    folder = tmp_path / "out"
    folder.mkdir()
    page = folder / "status.html"
    page.write_text("before")
    done = run(monkeypatch, mixed(), "--config", config, "--html", str(page))
    assert done.exit_code == ExitCode.DIFFERENT
    assert page.read_text().startswith("<!doctype html>")
    assert list(folder.iterdir()) == [page]
    assert f"{len(page.read_bytes())} bytes written" in done.stderr


def test_watching_ends_with_ctrl_c(monkeypatch: pytest.MonkeyPatch, config: str, tmp_path: Path) -> None:
    """Once what was begun is shown: one line of JSON a look, and the page anew each time."""
    looks = 0

    def look(*_arguments: Any, **_named: Any) -> Snapshot:
        nonlocal looks
        looks += 1
        if looks == 2:
            signal.raise_signal(signal.SIGINT)
        return mixed()

    # Where the tests run in a shell's background, the signal is ignored, and would stay so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(status, "collect", look)
    page = tmp_path / "status.html"
    done = CliRunner().invoke(
        app, ["status", "--watch", "--interval", "1", "--json", "--config", config, "--html", str(page)]
    )
    after = signal.signal(signal.SIGINT, before)
    assert done.exit_code == ExitCode.DIFFERENT
    assert [json.loads(line)["ok"] for line in done.stdout.splitlines()] == [False, False]
    assert page.exists()
    assert after is signal.default_int_handler


def test_tenant_that_is_not_in_the_config(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """Is refused before AWS is asked."""
    done = run(monkeypatch, mixed(), "globex", "--config", config)
    assert "globex" in str(done.exception)
