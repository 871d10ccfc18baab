"""Which tests are quick and start no server: `make check` runs those, with the network off.

Two marks tell. `servers` is set here: on every test that asks for a fixture that starts one, and on whole folders. A file whose
tests start servers themselves sets it. `slow` is set by files that synthesize, install or search for long.
"""

from __future__ import annotations

import socket
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_configure", "pytest_ignore_collect"]

SERVERS: Final = {"browser", "builder", "clamd", "emulator", "internet", "letter", "platform"}
"""Fixtures that start one, or a browser."""

FOLDERS: Final = ("tests/e2e/", "tests/emulator/", "tests/image/")
"""Where servers are what the tests are about."""

PROGRAMS: Final = {"buildah", "chromium", "clamd", "freshclam", "knotd", "named"}
LONGEST_FIRST: Final = (
    "tests/image/",
    "tests/e2e/test_tenant_life",
    "tests/e2e/",
    "tests/stacks/test_synthesis",
    "tests/tools/test_install",
    "tests/tools/test_wheel",
    "tests/tools/test_oldest_cdk",
    "tests/iam/",
    "tests/stacks/",
    "tests/transitions/",
    "tests/mailroom/scanning/containers/test_forms",
    "tests/mailroom/definitions/test_mending",
    "tests/constructs_lib/test_composition",
    "tests/fuzz/",
    "tests/emulator/",
    "tests/dns_setup/test_letter_browser",
)
"""Where files that take minutes are: begun last, they would leave one worker without work."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--offline` leaves out what starts servers, and fails what uses the network nevertheless."""
    parser.addoption("--offline", action="store_true", help="only tests that start no server; the network is off")


def pytest_configure(config: pytest.Config) -> None:
    """Know the marks, and switch the network off where that is asked for."""
    config.addinivalue_line("markers", "servers: starts a server or a browser")
    config.addinivalue_line("markers", "slow: takes many seconds")
    config.addinivalue_line("markers", "thorough: takes minutes, and shows more of what others show; before a release")
    if config.getoption("--offline"):
        sys.addaudithook(_forbid)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file of the folders that `--offline` leaves out."""
    left_out = {config.rootpath / folder for folder in FOLDERS}
    return True if config.getoption("--offline") and collection_path in left_out else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what starts servers, begin with the longest files, and leave out what `--offline` does."""
    for item in items:
        if item.nodeid.startswith(FOLDERS) or SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("servers")
    items.sort(key=_rank)
    if config.getoption("--offline"):
        left_out = [item for item in items if item.get_closest_marker("servers")]
        items[:] = [item for item in items if not item.get_closest_marker("servers")]
        config.hook.pytest_deselected(items=left_out)


def _rank(item: pytest.Item) -> int:
    name = item.nodeid
    return next((rank for rank, start in enumerate(LONGEST_FIRST) if name.startswith(start)), len(LONGEST_FIRST))


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    """Fail whatever reaches for a network or starts a server; files of a socket's kind are none."""
    if event in {"socket.bind", "socket.connect", "socket.sendto"}:
        if arguments[0].family in {socket.AF_INET, socket.AF_INET6}:
            raise RuntimeError(f"the network is off, got {event} {arguments[1]}; mark the test: servers")
    elif event == "socket.getaddrinfo":
        raise RuntimeError(f"the network is off, got {event} {arguments[0]}; mark the test: servers")
    elif event == "subprocess.Popen":
        command = [str(arguments[0]), *(str(one) for one in arguments[1])]
        emulator = any(pair == ("-m", "emulator") for pair in pairwise(command))
        if emulator or PROGRAMS & {Path(one).name for one in command[:2]} or "playwright" in command[0]:
            raise RuntimeError(f"no server is started here, got {' '.join(command[:4])}; mark the test: servers")
