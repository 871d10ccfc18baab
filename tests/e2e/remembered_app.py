"""Runs the app, or gives what it wrote for the same config before: the same input gives the same assembly.

What it wrote is kept in the folder that `REMEMBERED_ASSEMBLIES` names, of one run of the tests, in which the code stays the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_KEPT = Path(os.environ["REMEMBERED_ASSEMBLIES"])
_OF_ONE_RUN = frozenset({"CDK_CONTEXT_JSON", "CDK_ERROR_FILE", "CDK_OUTDIR", "CDK_PERF_COUNTERS_FILE"})


def _key(app: list[str]) -> str:
    """Of the app, what the CDK CLI hands over, and what stands in the config."""
    context = json.loads(os.environ["CDK_CONTEXT_JSON"])
    config = Path(context.pop("config"))
    files = sorted(path for path in config.rglob("*") if path.is_file()) if config.is_dir() else [config]
    given = {name: value for name, value in os.environ.items() if name.startswith("CDK_") and name not in _OF_ONE_RUN}
    written = [(str(path.relative_to(config)), path.read_bytes().hex()) for path in files]
    return hashlib.sha256(json.dumps([app, sorted(given.items()), context, written]).encode()).hexdigest()


def main(app: list[str]) -> int:
    """Exit code of the app: 0 where it is remembered."""
    outdir = Path(os.environ["CDK_OUTDIR"])
    try:
        kept = _KEPT / _key(app)
    except (OSError, KeyError):  # a config that cannot be read is the app's to tell; a context may be in a file
        return subprocess.run(app, check=False).returncode
    if kept.exists():
        shutil.copytree(kept, outdir, dirs_exist_ok=True, symlinks=True)
        return 0
    done = subprocess.run(app, check=False)
    if done.returncode == 0:
        # Several may do the same at the same time: whole, or not there.
        with tempfile.TemporaryDirectory(dir=_KEPT) as folder, contextlib.suppress(OSError):
            shutil.copytree(outdir, Path(folder) / "assembly", symlinks=True).rename(kept)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
