"""`email-stack scan`, with a real clamd."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from email_stack.cli.scan_options import _SOCKETS
from mailroom.scanning.verdicts import Verdict
from tests.cli.in_process import email_stack
from tests.mailroom.clamav import SIGNATURE, RunningClamd, running_clamd
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """A clamd that scans."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


def scan(clamd: RunningClamd, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return email_stack("scan", "--socket", clamd.client.socket_path, *arguments)


@pytest.fixture
def mail(tmp_path: Path) -> dict[str, str]:
    """A clean and an infected message, as files."""
    paths = {"clean": tmp_path / "clean.eml", "infected": tmp_path / "infected.eml"}
    paths["clean"].write_bytes(HARMLESS["attachment"])
    paths["infected"].write_bytes(HIDDEN["attachment"].replace(b"invoice.bin", b"in[bold]\x1b[31mvoice.bin"))
    return {name: str(path) for name, path in paths.items()}


def test_clean_message(clamd: RunningClamd, mail: dict[str, str]) -> None:
    """Exit code 0, and every part by name."""
    done = scan(clamd, mail["clean"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "clean.eml: clean, deliver" in done.stdout.replace("\n", "")
    assert "invoice.bin" in done.stdout


def test_infected_message(clamd: RunningClamd, mail: dict[str, str]) -> None:
    """Exit code 6; what was found, where, and what would become of it; names do nothing to a terminal."""
    done = scan(clamd, mail["clean"], mail["infected"])
    assert done.returncode == 6
    assert "infected.eml: infected, strip" in done.stdout.replace("\n", "")
    assert SIGNATURE in done.stdout
    assert "\x1b[31m" not in done.stdout
    assert "[bold]" in done.stdout


def test_json_and_policy_of_a_tenant(clamd: RunningClamd, mail: dict[str, str], tmp_path: Path) -> None:
    """The tenant's own policy decides; scripts get the digest of every part."""
    config = tmp_path / "tenants.yaml"
    config.write_text(
        "cells: {eu: {region: eu-central-1}}\ntenants: [{id: acme, subdomain: post.acme.example, scanning: {infected: delete}}]\n"
    )
    done = scan(clamd, mail["infected"], "--json", "--tenant", "acme", "--config", str(config))
    (message,) = json.loads(done.stdout)["messages"]
    assert (message["verdict"], message["action"]) == ("infected", "delete")
    assert {part["signature"] for part in message["parts"]} == {"", SIGNATURE}
    assert all(len(part["sha256"]) == 64 for part in message["parts"])


def test_without_clamd(mail: dict[str, str], tmp_path: Path) -> None:
    """A scan that cannot be made is an error, not a clean message."""
    done = email_stack("scan", mail["clean"], "--socket", tmp_path / "none")
    assert (done.returncode, done.stdout) == (4, "")
    assert "is it running?" in done.stderr


def test_file_that_is_not_there(clamd: RunningClamd, tmp_path: Path) -> None:
    """Named in one line."""
    done = scan(clamd, str(tmp_path / "none.eml"))
    assert done.returncode == 1
    assert "none.eml" in done.stderr


@pytest.mark.parametrize("command", ["scan", "replay"])
def test_files_are_looked_at_before_clamd(mail: dict[str, str], tmp_path: Path, command: str) -> None:
    """All files that cannot be read are named at once, whether or not a clamd runs, and nothing is scanned."""
    missing, folder = tmp_path / "none.eml", tmp_path / "folder"
    folder.mkdir()
    files = [mail["clean"], str(missing), str(folder), str(tmp_path / "other.eml")]
    done = email_stack(command, *files, "--socket", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "cannot read or write",
        f"{missing}: is not there; name a message that is",
        f"{folder}: is a folder; name the messages in it",
        f"{tmp_path / 'other.eml'}: is not there; name a message that is",
    ]


@pytest.mark.skipif(any(Path(path).is_socket() for path in _SOCKETS), reason="this machine runs a clamd of its own")
def test_without_clamd_the_way_to_start_one_is_told(mail: dict[str, str]) -> None:
    """Where nobody named a socket, what starts a clamd is said."""
    done = email_stack("replay", mail["clean"])
    assert done.returncode == 4
    assert "is it running? Start one: sudo systemctl start clamav-daemon" in done.stderr


def test_clamd_without_the_scanners_own_signatures(mail: dict[str, str], tmp_path: Path) -> None:
    """A distribution's clamd takes for clean what it cannot open; that is said, and what would mend it."""
    folder = tmp_path / "other"
    folder.mkdir()
    with running_clamd(folder) as other:
        (other.daemon.definitions / "unscannable.ndb").unlink()
        other.client.reload()
        deadline = time.monotonic() + 30
        while other.client.scan(b"Rar!\x1a\x07\x01\x00").verdict is not Verdict.CLEAN:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        done = scan(other, mail["clean"])
    assert done.returncode == 0
    assert "note: this clamd lacks the scanner's own signatures" in done.stderr
