"""Runs the emulator as a child process, with environments, clients and a bootstrap for its users."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
import botocore.session
from botocore.config import Config

from emulator import inbound, sending, settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import TracebackType

START_SECONDS = 30.0
STOP_SECONDS = 0.5
"""An end of its own takes no longer, unless functions keep connections open: it has nothing to save."""
CDK_SECONDS = 300.0
ATTEMPTS = 3


class EmulatorError(RuntimeError):
    """The emulator did not start, or a tool run against it failed; the message carries the end of its output."""


class Emulator:
    """An AWS emulator on a free port of loopback, for as long as the `with` block lasts.

    Starts one process, in a process group of its own, and on leaving stops it and the Lambda workers it started. State lives
    in that process and is gone with it. Start it in a thread that lives as long: on Linux the process ends with it.

    Args:
        enforce_iam: check every call against IAM and resource policies, over https with a generated certificate
            (needs the `openssl` command). Default: policies have no effect.
        folder: folder for its files, such as `emulator.log`; kept. Default: a temporary folder, removed after a run
            and kept when the emulator did not start.
        function_memory_mib: the account's limit for a Lambda function. Default: 3008, as in a new account.
        function_code: folder for unpacked code of functions; several emulators may share it. Default: below its folder.

    Raises:
        EmulatorError: it does not answer within 30 seconds; with the end of the log.
    """

    def __init__(
        self,
        enforce_iam: bool = False,
        folder: Path | None = None,
        function_memory_mib: int = settings.FUNCTION_MEMORY_MIB,
        function_code: Path | None = None,
    ) -> None:
        self.enforce_iam = enforce_iam
        self.function_memory_mib = function_memory_mib
        self._function_code = function_code
        self.account_id = settings.ACCOUNT_ID
        self._given_folder = folder
        self._folder: Path | None = None
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str, str], Any] = {}
        # Profiles and files would come from the user's own settings.
        own: dict[str, Any] = {name: (None, [], os.devnull, None) for name in ("config_file", "credentials_file")}
        own["profile"] = (None, [], None, None)
        self._session = boto3.session.Session(botocore_session=botocore.session.Session(session_vars=own))

    @classmethod
    def running_in(cls, folder: Path) -> Self:
        """The emulator that was started by hand with this folder. It outlives this object.

        Raises:
            EmulatorError: none answers.
        """
        folder = folder.resolve()
        try:
            noted = json.loads((folder / settings.RUNNING).read_text(encoding="utf-8"))
            found = cls(enforce_iam=noted["enforce_iam"], folder=folder)
            found._folder, found._port = folder, noted["port"]
            found._open(f"{found.endpoint_url}/_ministack/health", timeout=5).close()
        except OSError as error:
            raise EmulatorError(
                f"emulator: {folder}: none runs with this folder; start it with python -m emulator, or name its --folder"
            ) from error
        return found

    def __enter__(self) -> Self:
        if self._process is not None:
            raise EmulatorError("emulator: is running already; use one per `with` block")
        self._folder = self._given_folder or Path(tempfile.mkdtemp(prefix="emulator-"))
        self._folder = self._folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            for attempt in range(1, ATTEMPTS + 1):
                self._start()
                # Another process may take the free port before the server does.
                if self._wait_until_healthy(retry=attempt < ATTEMPTS):
                    return self
        except BaseException:
            self._stop()
            raise
        raise EmulatorError("emulator: no port stayed free; start it again")  # pragma: no cover

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        if self._given_folder is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        if self._folder is None:
            raise EmulatorError("emulator: is not running; use it inside its `with` block")
        return self._folder

    @property
    def log_file(self) -> Path:
        """The log of the server and the Lambda functions."""
        return self.folder / "emulator.log"

    @property
    def endpoint_url(self) -> str:
        """The address of every emulated service."""
        return settings.endpoint_url(self._port, enforce_iam=self.enforce_iam)

    def environment(self, region: str) -> dict[str, str]:
        """The whole environment of a subprocess that runs the CDK CLI or boto3 against the emulator."""
        return settings.client_environment(self.folder, self._port, region, enforce_iam=self.enforce_iam)

    def client(self, service_name: str, region: str, *, credentials: tuple[str, ...] | None = None) -> Any:
        """A boto3 client that reads neither the user's environment nor profiles.

        Args:
            service_name: as boto3 names it.
            region: the client's region.
            credentials: access key id and secret, of a session its token as well. Default: the emulator's root user, whom IAM
                allows everything.
        """
        key_id, secret, *token = credentials or (settings.ACCESS_KEY_ID, settings.SECRET_ACCESS_KEY)
        if (known := (service_name, region, key_id)) not in self._clients:
            connect: Any = self._session.client  # its overloads want the service's name as a literal
            self._clients[known] = connect(
                service_name,
                region_name=region,
                aws_access_key_id=key_id,
                aws_secret_access_key=secret,
                aws_session_token=token[0] if token else None,
                endpoint_url=self.endpoint_url,
                verify=str(settings.certificate(self.folder)) if self.enforce_iam else True,
                config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
            )
        return self._clients[known]

    def bootstrap(self, region: str) -> None:
        """Run the real `cdk bootstrap` for `region`; raises EmulatorError with its output when it fails."""
        target = f"aws://{self.account_id}/{region}"
        self.run(["cdk", "bootstrap", target], region)

    def run(self, command: Sequence[str], region: str, *, folder: Path | None = None) -> str:
        """Run a tool against the emulator, return what it printed; EmulatorError when it fails or takes too long."""
        try:
            done = subprocess.run(
                list(command),
                cwd=folder or self.folder,
                env=self.environment(region),
                executable=shutil.which(command[0], path=settings.search_path()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CDK_SECONDS,
                check=True,
            )
        except FileNotFoundError as error:
            raise EmulatorError(f"emulator: {command[0]} is not installed; run: make install") from error
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            output = (error.output or b"").decode(errors="replace")
            raise EmulatorError(f"emulator: {' '.join(command)} failed: {error}\n{output}") from error
        return done.stdout.decode(errors="replace")

    def receive(
        self,
        raw: bytes,
        recipients: Sequence[str],
        region: str,
        *,
        sender: str = "sender@example.net",
        tls: bool = True,
        spam_verdict: str = "PASS",
        virus_verdict: str = "PASS",
    ) -> inbound.Receipt:
        """Have SES receive one message in `region`; see `emulator.inbound.receive`."""
        return inbound.receive(
            inbound.Message(raw, tuple(recipients), sender, tls, spam_verdict, virus_verdict),
            ses=self.client("ses", region),
            sesv2=self.client("sesv2", region),
            store=lambda delivery, content: self._store(delivery, content, region),
            publish=lambda notification: self._notify(notification, region),
        )

    def sent(self, region: str) -> list[sending.Sent]:
        """SES's transmitted messages in `region`, in order."""
        return [sending.from_json(each) for each in json.loads(self._ask("GET", "ses/sent", {"region": region}))]

    def limit_sending(self, region: str, *, per_second: float = 10_000, per_day: float = 10_000_000) -> None:
        """Limit SES in `region`, by recipients; the defaults are those at the start, which are too high to be reached."""
        query = {"region": region, "per_second": str(per_second), "per_day": str(per_day)}
        self._ask("PUT", "ses/quota", query)

    def report(self, message_id: str, kind: str, region: str, *, at: datetime | None = None, **details: Any) -> int:
        """Let SES publish an event of a sent message; returns the number of event destinations with its kind.

        Args:
            message_id: from SendEmail's answer.
            kind: the event's `eventType`; see `emulator.sending.DETAIL_TYPES`.
            region: SES's region.
            at: time of the event, with a time zone. Default: now.
            details: fields of the event's own object, such as `link`; `recipients` are the affected ones.

        Raises:
            EmulatorError: no such message was sent, or SES documents no such event.
        """
        query = {"region": region, "message_id": message_id, "kind": kind, **({"at": at.isoformat()} if at else {})}
        return self._publish("POST", query, details)

    def publish(self, detail_type: str, detail: dict[str, Any], region: str) -> int:
        """Let SES publish an event of sent mail; returns the number of its configuration set's event destinations with its kind.

        Args:
            detail_type: EventBridge's name of the event, such as "Email Opened".
            detail: the event, in AWS's documented shape.
            region: SES's region.

        Raises:
            EmulatorError: the event is not documented.
        """
        return self._publish("PUT", {"region": region, "detail_type": detail_type}, detail)

    def limit(self, service: str, code: str, value: float, region: str) -> None:
        """Set a quota of the account: the one with `code` of `service`, by Service Quotas' names.

        Raises:
            EmulatorError: there is no such quota here.
        """
        try:
            self._ask(
                "PUT", "account/quotas", {"region": region, "service": service, "code": code}, str(value).encode()
            )
        except urllib.error.HTTPError as error:
            with error:
                raise EmulatorError(f"emulator: {error.read().decode(errors='replace')}") from None

    def conflict(self, service: str, times: int, region: str) -> None:
        """Let so many of the next writes have a conflict, with AWS's error: any of DynamoDB, those of S3 with a condition.

        Args:
            service: "dynamodb" or "s3".
            times: number of writes; 0 ends it.
            region: of the service.

        Raises:
            EmulatorError: it is another service.
        """
        try:
            self._ask("PUT", "conflicts", {"region": region, "service": service}, str(times).encode())
        except urllib.error.HTTPError as error:
            with error:
                raise EmulatorError(f"emulator: {error.read().decode(errors='replace')}") from None

    def _publish(self, method: str, query: dict[str, str], content: dict[str, Any]) -> int:
        try:
            return int(self._ask(method, "ses/events", query, json.dumps(content).encode()))
        except urllib.error.HTTPError as error:
            with error:
                raise EmulatorError(f"emulator: {error.read().decode(errors='replace')}") from None

    def _store(self, delivery: inbound.Delivery, content: bytes, region: str) -> None:
        try:
            self._ask("PUT", "ses/objects", {"region": region, **delivery.__dict__}, content)
        except urllib.error.HTTPError as error:
            with error:
                raise inbound.DeliveryError(error.read().decode(errors="replace")) from None

    def _notify(self, notification: inbound.Notification, region: str) -> None:
        told = {"topic": notification.topic, "rule_set": notification.rule_set, "rule": notification.rule}
        try:
            self._ask("PUT", "ses/notifications", {"region": region, **told}, notification.text.encode())
        except urllib.error.HTTPError as error:
            with error:
                raise inbound.DeliveryError(error.read().decode(errors="replace")) from None

    def _ask(self, method: str, path: str, query: dict[str, str], content: bytes | None = None) -> bytes:
        """Ask for one of the emulator's own paths; HTTPError with the reason when it refuses."""
        url = f"{self.endpoint_url}/_emulator/{path}?{urllib.parse.urlencode(query)}"
        with self._open(urllib.request.Request(url, content, method=method)) as response:
            answer: bytes = response.read()
        return answer

    def _open(self, request: urllib.request.Request | str, timeout: float = 10.0) -> Any:
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.enforce_iam:
            context = ssl.create_default_context(cafile=str(settings.certificate(self.folder)))
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers).open(request, timeout=timeout)

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        command = [sys.executable, "-m", "emulator", f"--port={self._port}", f"--folder={self.folder}"]
        command += [f"--function-memory-mib={self.function_memory_mib}"]
        command += [f"--function-code={self._function_code}"] if self._function_code else []
        command += [f"--die-with={os.getpid()}", "--enforce-iam" if self.enforce_iam else "--no-enforce-iam"]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=settings.PROJECT,
                env={"PATH": settings.search_path(), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # one group for it and its Lambda workers
            )

    def _wait_until_healthy(self, *, retry: bool) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                if retry and "is already in use" in self._log_tail():
                    return False
                raise EmulatorError(f"emulator: ended while starting; see {self.log_file}\n{self._log_tail()}")
            with contextlib.suppress(OSError), self._open(f"{self.endpoint_url}/_ministack/health", timeout=2):
                return True
            time.sleep(0.05)
        raise EmulatorError(
            f"emulator: no answer from {self.endpoint_url} within {START_SECONDS:.0f} s; see {self.log_file}\n"
            f"{self._log_tail()}"
        )

    def _log_tail(self, lines: int = 30) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def _stop(self) -> None:
        """Ask the process to stop, then end the rest of its group, before its id can belong to another."""
        process, self._process = self._process, None
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        # WNOWAIT leaves the dead process in the table, so that no other process can get its group's id yet.
        while time.monotonic() < deadline and not os.waitid(
            os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT
        ):
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
