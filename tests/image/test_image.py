"""The image as the CDK builds it: every step of its Dockerfile, on a Debian of the same release, and its handler run inside.

Docker and AWS's registry are not needed: Debian's tools make the base and build on it. The base that the Dockerfile pins is the
same release from the same archive.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.bundle import image_context
from constructs_lib.scanning.image import _ENTRIES
from email_stack.synthesis.toolchain import PROJECT_ROOT
from emulator.definitions import publish
from mailroom.functions.mirror import _EICAR
from mailroom.scanning.events import RawObject
from mailroom.scanning.tags import Recipient, tags_of
from mailroom.scanning.verdicts import Policy
from tests.emulators import shared_emulator
from tests.image.runtime_api import RuntimeApi
from tests.mailroom.clamav import MARKER, TEST_DEFINITIONS
from tests.mailroom.scanning.conftest import REGION
from tests.mailroom.scanning.hiding import HARMLESS, HIDDEN
from tests.mailroom.scanning.test_intake import event

DOCKERFILE = PROJECT_ROOT / "mailroom" / "image" / "Dockerfile"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
can_build = pytest.mark.skipif(os.geteuid() != 0, reason="making a root file system takes root")


_STORE_OCTETS = 4 << 30
"""Of memory that a store may take, and that must be free for one."""


class Builder:
    """Buildah with a store of its own: in memory where that has room, since a disk takes long for so many files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if _available_octets() > 2 * _STORE_OCTETS:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={_STORE_OCTETS}", "tmpfs", str(folder)]
            subprocess.run(mount, capture_output=True, check=False)
        # A store of overlays is made and removed in a tenth of the time; where the kernel mounts none, whole copies do.
        self.options = self._store("overlay")
        if subprocess.run(["buildah", *self.options, "from", "scratch"], capture_output=True, check=False).returncode:
            self.options = self._store("vfs")

    def _store(self, driver: str) -> list[str]:
        store, run = self.folder / f"store-{driver}", self.folder / f"run-{driver}"
        return ["--root", str(store), "--runroot", str(run), "--storage-driver", driver]

    def remove(self) -> None:
        """Remove the store and all in it."""
        for command in (["umount", "--all"], ["rm", "--all"]):
            subprocess.run(["buildah", *self.options, *command], capture_output=True, check=False)
        # Buildah mounts the folder of overlays onto itself.
        subprocess.run(["umount", str(self.folder / "store-overlay" / "overlay")], capture_output=True, check=False)
        subprocess.run(["umount", str(self.folder)], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command: str, *arguments: str) -> str:
        """One command of it; what it prints."""
        done = subprocess.run(
            ["buildah", *self.options, command, *arguments], capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"buildah {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout.strip()

    def base(self) -> str:
        """Debian's essential packages, as an image."""
        sources = [
            "deb http://deb.debian.org/debian bookworm main",
            "deb http://deb.debian.org/debian bookworm-updates main",
            "deb http://deb.debian.org/debian-security bookworm-security main",
        ]
        # Debian's own image has dpkg not wait for the disk, and apt load no translations, either.
        options = ["--variant=minbase", "--quiet", "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Languages "none"']
        container = self.run("from", "scratch")
        root = self.run("mount", container)
        subprocess.run(["mmdebstrap", *options, "--format=directory", "bookworm", root, *sources], check=True)
        self.run("umount", container)
        self.run("commit", "--quiet", "--rm", container, "localhost/base")
        return "localhost/base"

    def build(self, base: str) -> str:
        """The scanner's image, by the project's Dockerfile; returns a container of it."""
        return self.built(base, DOCKERFILE, image_context(*_ENTRIES), "scanner")

    def built(self, base: str, dockerfile: Path, context: Path, name: str, *options: str) -> str:
        """An image of a folder, by a Dockerfile; returns a container of it."""
        pip = self.folder / "pip.conf"
        pip.write_text(f"[global]\ncert = /certificates.crt\n{_own_index()}")
        mounts = [f"{pip}:/etc/pip.conf:ro", f"{CERTIFICATES}:/certificates.crt:ro"]
        own = ["--quiet", "--isolation", "chroot", "--build-arg", f"BASE={base}", "--file", str(dockerfile)]
        volumes = [part for mount in mounts for part in ("--volume", mount)]
        self.run("bud", *own, *volumes, *options, "--tag", f"localhost/{name}", str(context))
        return self.run("from", f"localhost/{name}")

    def start(self, container: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        """Run a command in it, as the image's user, on this machine's network."""
        variables = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        options = ["--isolation", "chroot", "--network", "host", "--user", "65534", *variables]
        return subprocess.Popen(
            ["buildah", *self.options, "run", *options, container, "--", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _available_octets() -> int:
    """Memory that is free, or freed at once."""
    (found,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found) * 1024


def _own_index() -> str:
    """This machine's package index, where it has one of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    return f"index-url = {done.stdout.strip()}\n" if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A builder, and its store until the end."""
    made = Builder(tmp_path_factory.mktemp("image"))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def container(builder: Builder) -> str:
    """A container of the image."""
    return builder.build(builder.base())


def test_dockerfile_is_linted() -> None:
    """hadolint has nothing to say, and the base is pinned by its digest."""
    command = [str(Path(sys.executable).with_name("hadolint")), str(DOCKERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE.read_text(), re.MULTILINE)


def test_lock_is_of_exact_versions() -> None:
    """Every line of what pip installs is one version with its hashes."""
    lock = DOCKERFILE.with_name("requirements.lock").read_text()
    packages = re.findall(r"^([a-z0-9-]+)==[^ ]+ ", lock, re.MULTILINE)
    assert {"awslambdaric", "aws-lambda-powertools", "boto3"} <= set(packages)
    assert lock.count("--hash=sha256:") >= len(packages)


@can_build
def test_scanner_works_in_the_image(request: pytest.FixtureRequest, builder: Builder, container: str) -> None:
    """As Lambda runs it: its runtime client, its clamd, a user without rights; a clean and an infected message."""
    emulator = shared_emulator(request)
    with RuntimeApi() as api:
        s3, sns = emulator.client("s3", REGION), emulator.client("sns", REGION)
        for bucket in ("image-definitions", "image-tenant"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        publish(s3, "image-definitions", TEST_DEFINITIONS)
        s3.put_bucket_versioning(Bucket="image-tenant", VersioningConfiguration={"Status": "Enabled"})
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        tags = tags_of(Recipient(tenant="acme", policy=Policy(), topic_arn=topic, mail=True))
        s3.put_bucket_tagging(
            Bucket="image-tenant", Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}
        )
        settings = {
            "DEFINITIONS_BUCKET": "image-definitions",
            "MAX_DEFINITIONS_AGE_HOURS": "168",
            "MAX_RECEIVES": "5",
            "SCANNER_NAME": "scanner",
            "EVENT_BUS": "default",
            "AWS_LAMBDA_RUNTIME_API": api.address,
        }
        own = emulator.environment(REGION)
        environment = {**settings, **{name: value for name, value in own.items() if name.startswith("AWS_")}}
        entry = ["/opt/python/bin/python", "-m", "awslambdaric", "mailroom.functions.scanner.on_event"]
        with builder.start(container, entry, environment) as sandbox:
            try:
                for message_id, raw in (("clean", HARMLESS["attachment"]), ("infected", HIDDEN["attachment"])):
                    version = s3.put_object(Bucket="image-tenant", Key=f"raw/{message_id}", Body=raw)["VersionId"]
                    kind, answer = api.invoke(
                        event(RawObject("image-tenant", f"raw/{message_id}", version)), seconds=120
                    )
                    assert (kind, answer) == ("response", {"batchItemFailures": []})
            finally:
                sandbox.terminate()
        assert s3.get_object(Bucket="image-tenant", Key="clean/clean")["Body"].read() == HARMLESS["attachment"]
        assert MARKER not in s3.get_object(Bucket="image-tenant", Key="clean/infected")["Body"].read()


@can_build
def test_mirror_finds_its_tools_in_the_image(builder: Builder, container: str) -> None:
    """freshclam and clamscan run as the image's user, and the canary is what the world's scanners agree on."""
    code = (
        "import subprocess, mailroom.functions.mirror as f, importlib.resources as r;"
        "conf = str(r.files('mailroom.definitions') / 'freshclam.conf');"
        "subprocess.run(['freshclam', '--config-file=' + conf, '--datadir=/tmp', '--version'], check=True);"
        "subprocess.run(['clamscan', '--version'], check=True); print(len(f._EICAR))"
    )
    with builder.start(container, ["/opt/python/bin/python", "-c", code], {}) as tools:
        printed, _ = tools.communicate(timeout=60)
    assert tools.returncode == 0, printed
    assert printed.count("ClamAV 1.") == 2
    assert printed.rstrip().endswith(str(len(_EICAR)))
