"""Entry of the mirror's function: one scheduled run."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3

from mailroom.definitions.mirror import Mirror, Refreshed, current
from mailroom.errors import RetryableError
from mailroom.functions.environment import required_variables
from mailroom.metric_names import AGE, DEFINITIONS, SECOND_SOURCE
from mailroom.metrics import Metrics
from mailroom.workplace import workplace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["MirrorSettings", "on_event", "run"]

# The test file that every engine detects; joined here, so that no engine detects this source file.
_EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

_NONE_AT_ALL: Final = timedelta(days=7)
"""Age that is reported where no set is published: the scanner refuses a set of that age, too."""

_OF_THE_SOURCE: Final = frozenset({"DatabaseMirror", "DNSDatabaseInfo", "PrivateMirror", "ScriptedUpdates"})
"""Options of freshclam.conf for the source of ClamAV's own files."""

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


@dataclass(frozen=True, kw_only=True, slots=True)
class MirrorSettings:
    """Settings of the mirror's function.

    Args:
        bucket: bucket for published sets.
        required: required databases of a set.
        minimum_signatures: required number of signatures.
        configuration: a freshclam.conf other than the packaged one. Default: None.
        canary: test file that the set must find. Default: the EICAR test file.
        second: URL of a second source, used if the first fails. Default: "", none.
        second_configuration: a freshclam.conf for the second source. Default: None, the first one's with the other mirror.
    """

    bucket: str
    required: tuple[str, ...]
    minimum_signatures: int
    configuration: Path | None = None
    canary: bytes = _EICAR
    second: str = ""
    second_configuration: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> MirrorSettings:
        """The settings that are in `environment`.

        Raises:
            ValueError: a variable is missing or no number.
        """
        with required_variables():
            return cls(
                bucket=environment["DEFINITIONS_BUCKET"],
                required=tuple(environment["REQUIRED_DATABASES"].split()),
                minimum_signatures=int(environment["MINIMUM_SIGNATURES"]),
                second=environment.get("SECOND_SOURCE", ""),
            )


def on_event(_event: object, _context: object) -> str:
    """Refresh once; returns the result of `run`. Raises the errors of `run`, so that the invocation counts as failed."""
    return run(MirrorSettings.from_environment(os.environ), boto3.client("s3"))


def run(settings: MirrorSettings, s3: S3Client) -> str:
    """Refresh, and then measure the age of the published set, also after a failure.

    If the first source fails, or does not confirm the present set, the second one is used, if there is one. Its files are verified
    in the same way, and its use is counted, which raises an alarm.

    Raises:
        RetryableError: as `Mirror.refresh` does, of the source that was used last.
    """
    metrics = Metrics(DEFINITIONS, settings.bucket)
    try:
        with workplace("mirror") as folder, as_file(files("mailroom.definitions") / "freshclam.conf") as own:
            first = Mirror(
                s3=s3,
                bucket=settings.bucket,
                folder=folder,
                configuration=settings.configuration or own,
                required=settings.required,
                minimum_signatures=settings.minimum_signatures,
                canary=settings.canary,
                clock=_now,
            )
            came_to = _refreshed(settings, first, metrics)
        logger.info("definitions: %s: %s", settings.bucket, came_to.value)
        return came_to.value
    finally:
        _measure(settings.bucket, s3, metrics)


def _refreshed(settings: MirrorSettings, first: Mirror, metrics: Metrics) -> Refreshed:
    if not settings.second:
        return first.refresh()
    try:
        came_to = first.refresh()
        if came_to is not Refreshed.UNCONFIRMED:
            return came_to
        why = came_to.value
    except RetryableError as error:
        why = str(error)
    logger.warning("definitions: the first source failed, asking the second: %s", why)
    metrics.count(SECOND_SOURCE)
    configuration = settings.second_configuration
    if configuration is None:
        configuration = first.folder / "second.conf"
        configuration.write_text(_of_mirror(first.configuration.read_text(encoding="utf-8"), settings.second), "utf-8")
    # freshclam's memory is about the first source, such as a time to stay away.
    return replace(first, configuration=configuration, remembers=False).refresh()


def _of_mirror(text: str, url: str) -> str:
    """A freshclam.conf that gets whole files from a private mirror. freshclam still checks ClamAV's signatures."""
    kept = [line for line in text.splitlines() if line.partition(" ")[0] not in _OF_THE_SOURCE]
    return "\n".join([*kept, f"PrivateMirror {url}", "ScriptedUpdates no", ""])


def _measure(bucket: str, s3: S3Client, metrics: Metrics) -> None:
    """Measure seconds since the source last confirmed the published set; without a set, an age that stops every scan."""
    try:
        published = current(s3, bucket)
    except RetryableError as error:
        logger.warning("%s", error)
        return
    age = _now() - published.checked if published is not None else _NONE_AT_ALL
    metrics.seconds(AGE, age.total_seconds())
    metrics.flush()


def _now() -> datetime:
    return datetime.now(UTC)
