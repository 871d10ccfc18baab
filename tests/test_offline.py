"""`make check` is right when it says that its tests start no server: whatever does fails, and so does any use of a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT

TESTS = """
import asyncio, socket, subprocess, sys
import pytest

@pytest.fixture
def emulator():
    raise AssertionError("asked for")

def test_with_a_server(emulator):
    pass

@pytest.mark.servers
def test_that_starts_one_itself():
    raise AssertionError("run")

def test_connects():
    socket.create_connection(("127.0.0.1", 9))

def test_listens():
    socket.socket().bind(("127.0.0.1", 0))

def test_sends():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))

def test_resolves():
    socket.getaddrinfo("localhost", 80)

def test_starts_an_emulator():
    subprocess.run([sys.executable, "-m", "emulator", "--help"])

def test_starts_an_engine():
    subprocess.run(["/usr/sbin/clamd", "--version"])

def test_is_quiet():
    asyncio.run(asyncio.sleep(0))
    subprocess.run(["true"], check=True)
    socket.socketpair()
"""
"""What a careless author writes."""

REFUSED = ["connects", "listens", "sends", "resolves", "starts_an_emulator", "starts_an_engine"]


@pytest.mark.slow
def test_servers_and_networks_are_off(tmp_path: Path) -> None:
    """Tests that say it are left out, those that do not say it fail, and name the mark; the others run."""
    (tmp_path / "test_careless.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.offline", "-p", "no:cacheprovider", "-n", "0", "--offline"]
    options = ["--rootdir", str(tmp_path), "-c", "/dev/null", "-rA", str(tmp_path)]
    done = subprocess.run([*command, *options], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert f"{len(REFUSED)} failed, 1 passed, 2 deselected" in done.stdout, done.stdout
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert [name for name in REFUSED if not any(f"::test_{name} " in f"{line} " for line in failed)] == []
    reason = r"^E +RuntimeError: (?:the network is off|no server is started here), got .*; mark"
    assert len(re.findall(reason, done.stdout, re.MULTILINE)) == len(REFUSED)


FILES = (
    "tests/e2e/test_delegation.py",
    "tests/emulator/test_kms.py",
    "tests/image/test_image.py",
    "tests/mailroom/store/test_cursors.py",
    "tests/mailroom/scanning/test_clamd.py",
    "tests/dnscheck/test_transport.py",
)
"""One of each folder that has tests with servers."""


@pytest.mark.slow
def test_folders_of_servers_are_marked() -> None:
    """By the fixtures that start one: each has tests that `make check` leaves out."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "--collect-only", "-m", "servers", *FILES]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert [file for file in FILES if f"{file}::" not in done.stdout] == []
