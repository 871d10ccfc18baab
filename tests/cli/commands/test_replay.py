"""`email-stack replay`, with a real clamd."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailroom.messages import parse
from tests.cli.in_process import email_stack
from tests.mailroom.clamav import SIGNATURE, RunningClamd, running_clamd
from tests.mailroom.messages.corpus import CASES, difference
from tests.mailroom.scanning.hiding import HIDDEN
from tests.mailroom.store.conftest import mail


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd that scans."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A conversation out of order, one message of it twice; a message with malware; one that acts on terminals."""
    hostile = mail("z").replace(b"Subject: About z", b"Subject: =?utf-8?q?in=1B[31mvoice_=E2=80=AE_[bold]?=")
    contents = {
        "answer": mail("b", "a", minute=1),
        "question": mail("a"),
        "again": mail("b", "a", minute=1),
        "infected": HIDDEN["attachment"],
        "hostile": hostile,
    }
    paths = []
    for name, content in contents.items():
        paths.append(tmp_path / f"{name}.eml")
        paths[-1].write_bytes(content)
    return [str(path) for path in paths]


def replay(clamd: RunningClamd, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return email_stack("replay", "--socket", clamd.client.socket_path, *arguments)


def test_files_become_threads(clamd: RunningClamd, files: list[str]) -> None:
    """Copies are one message, answers stand below what they answer, and of an infected message the rest goes on."""
    done = replay(clamd, "--json", *files)
    assert (done.returncode, done.stderr) == (6, "")
    document = json.loads(done.stdout)
    assert [one["action"] for one in document["deliveries"]] == ["deliver", "deliver", "deliver", "strip", "deliver"]
    messages = {one["digest"]: one for one in document["messages"]}
    assert len(messages) == 4
    threads = [
        [(messages[one["message"]]["subject"], one["depth"]) for one in thread] for thread in document["threads"]
    ]
    assert [("About a", 0), ("Re: About b", 1)] in threads
    assert sorted(map(len, threads)) == [1, 1, 2]
    (infected,) = [messages[one["message"]] for one in document["deliveries"] if one["verdict"] == "infected"]
    assert [one["filename"] for one in infected["attachments"]] == ["removed-attachment.txt"]


def test_mail_of_programs(clamd: RunningClamd) -> None:
    """Scanned, delivered unchanged, and read as the corpus says."""
    cases = [case for case in CASES if case.file.parent.name == "practice"]
    done = replay(clamd, "--json", *(str(case.file) for case in cases))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert {one["action"] for one in document["deliveries"]} == {"deliver"}
    messages = {one["digest"]: one for one in document["messages"]}
    found = {str(case): difference(case.expected, messages[parse(case.raw).digest]) for case in cases}
    assert len(cases) >= 79
    assert {case: what for case, what in found.items() if what} == {}


def test_people_read_it(clamd: RunningClamd, files: list[str]) -> None:
    """What was found, and trees of threads; nothing in a message acts on the terminal."""
    done = replay(clamd, *files)
    assert done.returncode == 6
    assert f"invoice.bin: infected {SIGNATURE}" in done.stdout
    assert (
        "thread: About a, 2 messages\n  2026-11-23 09:00  Anna <anna@example.net>  About a\n    2026-11-23 09:01"
        in done.stdout
    )
    assert "attachment 2: removed-attachment.txt (text/plain" in done.stdout
    assert "in\\x1b[31mvoice \\u202e [bold]" in done.stdout
    assert done.stdout.isascii()


def test_clean_mail_by_a_tenants_settings(clamd: RunningClamd, tmp_path: Path) -> None:
    """Exit code 0; the tenant's own ways of joining threads hold."""
    config = tmp_path / "tenants.yaml"
    config.write_text(
        "cells: {eu: {region: eu-central-1}}\ntenants: [{id: acme, subdomain: post.acme.example, join_threads_by: [subject]}]\n"
    )
    paths = []
    for name in ("c", "d"):
        paths.append(tmp_path / f"{name}.eml")
        paths[-1].write_bytes(mail(name).replace(f"About {name}".encode(), b"Order 5"))
    alone = json.loads(replay(clamd, "--json", *map(str, paths)).stdout)
    joined = replay(clamd, "--json", "--tenant", "acme", "--config", str(config), *map(str, paths))
    assert joined.returncode == 0
    assert (len(alone["threads"]), len(json.loads(joined.stdout)["threads"])) == (2, 1)


def test_without_clamd(files: list[str], tmp_path: Path) -> None:
    """What cannot be scanned is not replayed as clean."""
    done = email_stack("replay", files[0], "--socket", tmp_path / "none")
    assert (done.returncode, done.stdout) == (4, "")
    assert "is it running?" in done.stderr
