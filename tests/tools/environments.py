"""Virtual environments of users: pip settles what the wheel needs, and what the checkout has of it is linked, not unpacked anew."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from email_stack.synthesis.toolchain import PROJECT_ROOT

__all__ = ["Environment"]

LOCK: Final = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")


class Environment:
    """A new virtual environment, with the wheel and one of its extras."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (self._packages,) = folder.glob("lib/python*/site-packages")

    def install(self, wheel: Path, extra: str = "") -> None:
        """Install it as a user would, with the versions of the lock."""
        locked = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?(==[^ ]+)( ;.*)? \\$", LOCK, re.MULTILINE)
        constraints = self.folder / "constraints.txt"
        constraints.write_text("".join(f"{name}{version}{marker}\n" for name, version, marker in locked))
        wanted = [f"--constraint={constraints}", f"{wheel}[{extra}]" if extra else str(wheel)]
        report = self.folder / "report.json"
        self._pip("--dry-run", f"--report={report}", *wanted)
        for one in json.loads(report.read_text(encoding="utf-8"))["install"]:
            if (found := _of_the_checkout(one["metadata"])) is not None:
                self._link(found)
        # What is not linked, which is the wheel at least.
        self._pip(*wanted)

    def _pip(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pip", f"--python={self.folder}", "install", "--quiet", "--no-compile"]
        done = subprocess.run(
            [*command, "--disable-pip-version-check", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _link(self, package: Distribution) -> None:
        """Its files; programs start with the Python of this environment."""
        python = f"#!{self.folder}/bin/python".encode()
        for file in package.files or ():
            source, target = Path(str(package.locate_file(file))), self._packages / file
            if not source.exists() or target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.parts[0] == ".." and source.read_bytes().startswith(b"#!"):
                target.write_bytes(python + source.read_bytes()[source.read_bytes().index(b"\n") :])
                target.chmod(0o755)
                continue
            try:
                os.link(source, target)
            except OSError:  # on another disk
                shutil.copy2(source, target)

    def run(self, *command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; it finds no Node or Python but the environment's own, and no checkout."""
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=cwd,
            env=self.variables(cwd) | variables,
            capture_output=True,
            text=True,
            timeout=300,  # a busy machine unpacks the CDK for minutes
            check=False,
        )

    def variables(self, home: Path) -> dict[str, str]:
        """The whole environment of its programs."""
        return {"PATH": f"{self.folder / 'bin'}", "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}

    def installed(self) -> set[str]:
        """Names of the distributions."""
        return {path.name.partition("-")[0].lower() for path in self._packages.glob("*.dist-info")}


def _of_the_checkout(metadata: dict[str, Any]) -> Distribution | None:
    """The same release, where the tests run with it; what is there from a folder is not one."""
    try:
        found = distribution(metadata["name"])
    except PackageNotFoundError:
        return None
    return found if found.version == metadata["version"] and not _is_editable(found) else None


def _is_editable(package: Distribution) -> bool:
    return package.read_text("direct_url.json") is not None
