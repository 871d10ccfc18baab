"""What to do about a step of the installation that failed, judged by what it printed."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["REMEDIES", "Remedy", "remedy_of"]

_NEARLY_FULL: Final = 20_000_000


class Remedy(NamedTuple):
    """What went wrong, by a pattern of what tools print of it, and what mends it."""

    pattern: re.Pattern[str]
    problem: str
    action: str


_DISK: Final = Remedy(
    re.compile(r"No space left on device|ENOSPC|Disk quota exceeded|EDQUOT"),
    "no disk space is left",
    "free 3 GB for the checkout and 1 GB for temporary files (elsewhere with TMPDIR=/path)",
)

REMEDIES: Final = (
    _DISK,
    Remedy(
        re.compile(r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY)|certificate verify failed"),
        "the package index's certificate is not trusted",
        "name your authority's file in PIP_CERT and NODE_EXTRA_CA_CERTS",
    ),
    Remedy(
        re.compile(
            r"Failed to establish a new connection|NewConnectionError|Connection refused|ProxyError|ReadTimeoutError|"
            r"ConnectTimeoutError|Name or service not known|name resolution|nodename nor servname|Network is unreachable|"
            r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|[Cc]onnection (?:reset|broken|aborted)"
        ),
        "the package index cannot be reached",
        "check the network and the proxy (HTTPS_PROXY), or name a mirror in PIP_INDEX_URL and npm_config_registry",
    ),
    Remedy(
        re.compile(r"DO NOT MATCH THE HASHES|EINTEGRITY"),
        "a package is not the one that was locked",
        "use an index that mirrors the original unchanged, and empty the caches: pip cache purge, npm cache clean --force",
    ),
    Remedy(
        re.compile(r"No module named '?(?:venv|ensurepip)|ensurepip is not available|ensurepip.* returned non-zero"),
        "Python came without its venv module",
        "on Debian and Ubuntu: apt-get install python3-venv; elsewhere install a complete Python 3.11 or newer",
    ),
    Remedy(
        re.compile(
            r"Failed building wheel|Failed to build|[Cc]an(?:not|'t) find Rust|command '?(?:\S*/)?(?:cc|gcc|g\+\+|clang)\b|"
            r"metadata-generation-failed|build dependencies did not run|\b(?:cargo|rustc)\b.*not found"
        ),
        "a package has no wheel for this Python and machine, and cannot be compiled",
        "use Python 3.11 to 3.14 on a machine that docs/installing.md names, or install a C and Rust compiler",
    ),
    Remedy(
        re.compile(r"No matching distribution found|Could not find a version|ETARGET|E404|404 Not Found"),
        "the package index does not have a package that is locked",
        "check the network, and use an index that mirrors all of PyPI and npm: PIP_INDEX_URL, npm_config_registry",
    ),
    Remedy(
        re.compile(r"Permission denied|EACCES|EPERM|Read-only file system|EROFS"),
        "a file cannot be written",
        "give the checkout to the user that you are, without sudo",
    ),
    Remedy(
        re.compile(r" has requirement .*, but you have | requires .*, which is not installed|is not supported on this"),
        "installed packages do not fit together",
        "start anew with: make clean install; where the lock itself is at fault: make lock",
    ),
)
_UNKNOWN: Final = Remedy(re.compile(""), "failed", "read what stands above, then start anew with: make clean install")


def remedy_of(printed: Iterable[str], folders: Sequence[Path] = ()) -> Remedy:
    """The first remedy that fits; full disks come first, since tools do not always tell of them.

    Args:
        printed: lines of the tool that failed.
        folders: where it wrote. Default: this one, and that of temporary files.
    """
    text = "\n".join(printed)
    for folder in folders or (Path.cwd(), Path(tempfile.gettempdir())):
        if shutil.disk_usage(folder).free < _NEARLY_FULL:
            return _DISK
    return next((remedy for remedy in REMEDIES if remedy.pattern.search(text)), _UNKNOWN)
