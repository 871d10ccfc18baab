"""`make install` takes what the lock says, with the pip that Python brings, whatever else the index has.

The Makefile is the project's own. The project it installs is a small one, and so is the index, a folder: `tool` needs
`helper[fast]`, whose release 2.0 came after the lock.
"""

from __future__ import annotations

import ensurepip
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.tools.wheels import write_wheel

pytestmark = pytest.mark.slow

BACKEND = '''
"""Builds the small project, with nothing but the standard library."""
import sys
from importlib.metadata import distributions
from pathlib import Path

sys.path.insert(0, r"{tests}")
from tests.tools.wheels import write_wheel

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(Path(wheel_directory), "project", "1.0", ["tool"]).name

build_wheel = build_editable
'''
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "project"
version = "1.0"
dependencies = ["tool"]
"""


class Checkout:
    """A small project with the Makefile of this one."""

    def __init__(self, folder: Path, index: Path) -> None:
        self.folder = folder
        self.index = index.as_uri()
        folder.mkdir()
        for name in ("Makefile", "tools"):
            if (source := PROJECT_ROOT / name).is_dir():
                shutil.copytree(source, folder / name)
            else:
                shutil.copy(source, folder / name)
        (folder / "backend.py").write_text(BACKEND.format(tests=PROJECT_ROOT))
        (folder / "pyproject.toml").write_text(PROJECT)

    def lock(self, *wheels: Path) -> None:
        """Lock these; the extra of `helper` is left out, as lock files of old had it."""
        lines = []
        for wheel in wheels:
            name, version, *_ = wheel.name.split("-")
            lines.append(f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
        (self.folder / "requirements.lock").write_text("".join(lines))

    def install(self) -> subprocess.CompletedProcess[str]:
        """`make` as on a new machine: no settings of pip's, nothing of this environment."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "1",
        }
        command = ["make", "--no-print-directory", ".make/python", f"PYTHON={sys.executable}"]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def installed(self) -> dict[str, str]:
        """Versions by name, without those that Python brings."""
        (packages,) = (self.folder / ".venv" / "lib").glob("python3*/site-packages")
        found = {one.name: one.version for one in distributions(path=[str(packages)])}
        return {name: version for name, version in found.items() if name not in {"pip", "setuptools"}}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheels of the index, by name and version."""
    index = tmp_path_factory.mktemp("index")
    made = {
        f"{name} {version}": write_wheel(index / name, name, version, requires)
        for name, version, requires in (
            ("tool", "1.0", ["helper[fast]>=1"]),
            ("helper", "1.0", ["speed; extra == 'fast'"]),
            ("helper", "2.0", ["speed; extra == 'fast'"]),
            ("speed", "1.0", []),
        )
    }
    for name in ("tool", "helper", "speed"):
        links = "".join(f'<a href="{wheel.name}">{wheel.name}</a>\n' for wheel in sorted((index / name).glob("*.whl")))
        (index / name / "index.html").write_text(links)
    return made


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment, with the pip that Python brings."""
    made = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", made], check=True)
    return made


@pytest.fixture
def bare(tmp_path: Path, wheels: dict[str, Path]) -> Checkout:
    """A project below a path with a space, without a virtual environment."""
    made = Checkout(tmp_path / "my project", wheels["tool 1.0"].parent.parent)
    made.lock(wheels["tool 1.0"], wheels["helper 1.0"], wheels["speed 1.0"])
    return made


@pytest.fixture
def checkout(bare: Checkout, environment: Path) -> Checkout:
    """The same; its virtual environment is there already, and empty."""
    # Links: pip writes no file twice.
    shutil.copytree(environment, bare.folder / ".venv", symlinks=True, copy_function=os.link)
    return bare


def test_what_is_locked_is_installed(bare: Checkout) -> None:
    """Not the newer release; each step is told, from an environment that is not there yet."""
    done = bare.install()
    assert done.returncode == 0, done.stdout + done.stderr
    assert bare.installed() == {"tool": "1.0", "helper": "1.0", "speed": "1.0", "project": "1.0"}
    told = [line.partition(" (")[0].removesuffix(" ...") for line in done.stdout.splitlines() if line[0] != " "]
    assert told == [
        "making .venv/",
        "installing 3 Python packages into .venv/",
        "checking that the packages fit together",
        "installing the project itself",
    ]


def test_resolving_anew_would_not_do(checkout: Checkout) -> None:
    """Without --no-deps, the pip at hand looks for the extra on the index: it fails, or takes what was not locked."""
    makefile = checkout.folder / "Makefile"
    command = makefile.read_text()
    resolving = command.replace("--no-deps --require-hashes -r requirements.lock", "-r requirements.lock")
    assert resolving != command
    (checkout.folder / "requirements.lock").write_text("tool==1.0\n")
    makefile.write_text(resolving)
    assert checkout.install().returncode == 0
    assert checkout.installed()["helper"] == "2.0"


def test_hashes_alone_would_not_do(checkout: Checkout) -> None:
    """Without --no-deps, pip 23 takes the newer release for the extra and refuses it for want of a hash; pip 24.2 asks the lock."""
    makefile = checkout.folder / "Makefile"
    makefile.write_text(makefile.read_text().replace("--no-deps --require-hashes", "--require-hashes"))
    done = checkout.install()
    if done.returncode == 0:
        assert not ensurepip.version().startswith("23.")
        assert checkout.installed()["helper"] == "1.0"
    else:
        assert "In --require-hashes mode, all requirements must have their versions pinned" in done.stdout
        assert "helper[fast]>=1 from" in done.stdout


def test_lock_that_lacks_a_package_stops(checkout: Checkout, wheels: dict[str, Path]) -> None:
    """Nothing is resolved, so `pip check` looks: the step fails, says what lacks, and is not taken as done."""
    checkout.lock(wheels["tool 1.0"])
    done = checkout.install()
    assert done.returncode != 0
    assert "tool 1.0 requires helper, which is not installed" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(
        "install: checking that the packages fit together: installed packages"
    )
    assert not (checkout.folder / ".make" / "python").exists()


def test_package_that_is_not_the_locked_one_stops(checkout: Checkout, wheels: dict[str, Path]) -> None:
    """Its hash differs."""
    lock = checkout.folder / "requirements.lock"
    digest = hashlib.sha256(wheels["speed 1.0"].read_bytes()).hexdigest()
    lock.write_text(lock.read_text().replace(digest, "0" * 64))
    done = checkout.install()
    assert done.returncode != 0
    assert "a package is not the one that was locked" in done.stdout.splitlines()[-1]
    assert "speed" not in checkout.installed()


def test_index_that_cannot_be_reached_is_told(checkout: Checkout) -> None:
    """A port that nobody listens on: pip's own words, then one line with what to do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        checkout.index = f"http://127.0.0.1:{probe.getsockname()[1]}/simple"
        done = checkout.install()
    assert done.returncode != 0
    assert "Connection refused" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith(
        "install: installing 3 Python packages into .venv/ (2.0 GB): the package index cannot be reached, got"
    )
    assert "PIP_INDEX_URL" in last


def test_half_made_environment_is_made_anew(checkout: Checkout) -> None:
    """A run that was broken off, or a Python without ensurepip, left one without pip."""
    (library,) = (checkout.folder / ".venv" / "lib").glob("python3*")
    shutil.rmtree(library / "site-packages" / "pip")
    done = checkout.install()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "making .venv/ ..." in done.stdout
    assert checkout.installed()["helper"] == "1.0"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 1", "install: Python: 3.11 or newer is needed"),
        ("echo No module named venv; exit 1", "Python came without its venv module"),
    ],
)
def test_python_that_will_not_do_is_told(bare: Checkout, script: str, told: str, tmp_path: Path) -> None:
    """One too old, and one that Debian packs without venv, each in one line."""
    python = tmp_path / "python"
    real = sys.executable
    if "venv" in script:
        python.write_text(f'#!/bin/sh\ncase "$*" in "-m venv"*) {script};; esac\nexec "{real}" "$@"\n')
    else:
        old = "import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])"
        python.write_text(f'#!/bin/sh\nexec "{real}" -c "{old}" "$2"\n')
    python.chmod(0o755)
    command = ["make", "--no-print-directory", ".make/python", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=bare.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert told in done.stdout + done.stderr


def test_python_that_is_not_there_is_told(bare: Checkout) -> None:
    """With what to write instead."""
    command = ["make", "--no-print-directory", ".make/python", "PYTHON=/nonexistent/python3"]
    done = subprocess.run(command, cwd=bare.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "install: Python: not found, got /nonexistent/python3; install Python 3.11 or newer" in done.stderr
