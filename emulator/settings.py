"""Environment variables of the server and its clients: addresses, folders, credentials."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ACCOUNT_ID = "000000000000"
ACCESS_KEY_ID = "test"  # ministack's root caller
SECRET_ACCESS_KEY = "test"
RUNNING = "running.json"
"""File in an emulator's folder with its address."""
FUNCTION_MEMORY = "EMULATOR_FUNCTION_MEMORY_MIB"
FUNCTION_MEMORY_MIB = 3008
"""A new account's limit for a Lambda function."""
_MOST_SOCKET = 107
FUNCTION_CODE = "EMULATOR_FUNCTION_CODE"
_KEPT = frozenset({"LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"})


def host(*, enforce_iam: bool) -> str:
    """The host name for clients. The generated certificate of the https mode is for `localhost`."""
    return "localhost" if enforce_iam else "127.0.0.1"


def endpoint_url(port: int, *, enforce_iam: bool) -> str:
    """The one address of every emulated service."""
    return f"{'https' if enforce_iam else 'http'}://{host(enforce_iam=enforce_iam)}:{port}"


def certificate(folder: Path) -> Path:
    """The certificate that the server writes on its first start in the https mode."""
    return folder / "tmp" / "ministack-tls" / "server.crt"


def forget_the_users(environment: MutableMapping[str, str]) -> None:
    """Drop a shell's variables, such as proxy, profile, endpoint or certificates, because they would lead functions elsewhere."""
    for name in list(environment):
        if name not in _KEPT and not name.startswith("COVERAGE_"):
            del environment[name]


def too_long(folder: Path) -> str:
    """An error if the folder's path is too long for clamd's socket; "" if the socket fits.

    Source: unix(7): a socket's path has at most 107 bytes.
    """
    socket = folder / "tmp" / "scanner-99" / "clamd.sock"
    length = len(os.fsencode(socket))
    if length <= _MOST_SOCKET:
        return ""
    return (
        f"emulator: folder: {folder} is too long for the scanner's socket, which has {length} bytes of {_MOST_SOCKET}; "
        "no mail is scanned: start it with a shorter --folder"
    )


def note_running(folder: Path, port: int, *, enforce_iam: bool) -> None:
    """Write the address of this folder's emulator into a file, for later commands."""
    (folder / RUNNING).write_text(json.dumps({"port": port, "enforce_iam": enforce_iam}), encoding="utf-8")


def server_environment(
    folder: Path,
    port: int,
    *,
    enforce_iam: bool,
    function_memory_mib: int = FUNCTION_MEMORY_MIB,
    function_code: Path | None = None,
) -> dict[str, str]:
    """Ministack's settings and the extension's, with every file but functions' code below `folder`, which is created."""
    for name in ("code", "home", "s3", "state", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": host(enforce_iam=enforce_iam),
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "IOT_MTLS_ENABLED": "0",  # on, it listens on every interface
        "SFTP_ENABLED": "0",
        # The folder of AWS's clients for the CDK's own Lambda code; on AWS the runtime has them.
        "NODE_PATH": str(PROJECT / "node_modules"),
        "HOME": str(folder / "home"),
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "PATH": search_path(),
        FUNCTION_MEMORY: str(function_memory_mib),
        FUNCTION_CODE: str(function_code or folder / "code"),
    }
    if enforce_iam:
        settings |= {"AUTH": "true", "USE_SSL": "1"}
    return settings


def client_environment(folder: Path, port: int, region: str, *, enforce_iam: bool) -> dict[str, str]:
    """Variables that the CDK CLI or boto3 needs in a subprocess, without any of the user's."""
    url = endpoint_url(port, enforce_iam=enforce_iam)
    environment = {
        "PATH": search_path(),
        "HOME": str(folder / "home"),  # the CLI caches access key -> account below it
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
    }
    if enforce_iam:
        trusted = str(certificate(folder))
        environment |= dict.fromkeys(
            ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), trusted
        )
    return environment


def search_path() -> str:
    """PATH with the project's Python, Node and CDK CLI before the system's tools."""
    own = [str(Path(sys.prefix) / "bin"), str(PROJECT / "node_modules" / ".bin")]
    return os.pathsep.join([*own, "/usr/local/bin", "/usr/bin", "/bin"])
