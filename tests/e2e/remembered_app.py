"""Runs the app, or gives what it wrote for the same config before: the same input gives the same assembly.

What it wrote is kept in the folder that `REMEMBERED_ASSEMBLIES` names, of one run of the tests, in which the code stays the same.
`REMEMBERED_NOTE` is a file for the name of the assembly.
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
_ASSETS = _KEPT / "assets"
_ASSET = "asset."
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
    code = 0
    if kept.exists():
        _copy(kept, outdir)
    else:
        _lend_assets(outdir)
        if (code := _run(app)) == 0:
            _keep_assets(outdir)
            # Several may do the same at the same time: whole, or not there.
            with tempfile.TemporaryDirectory(dir=_KEPT) as folder, contextlib.suppress(OSError):
                _copy(outdir, Path(folder) / "assembly").rename(kept)
    if code == 0:
        _share_archives(outdir)
        if "REMEMBERED_NOTE" in os.environ:
            Path(os.environ["REMEMBERED_NOTE"]).write_text(kept.name, encoding="utf-8")
    return code


def _run(app: list[str]) -> int:
    """Exit code of the app: of the process that is kept for it, or of one of its own."""
    # This file is run by its path, from any folder.
    sys.path[0] = str(Path(__file__).parents[2])
    from tests.e2e.warm_app import NOT_TAKEN, run_there

    code = run_there(os.environ["WARM_APP"]) if "WARM_APP" in os.environ else NOT_TAKEN
    return code if code != NOT_TAKEN else subprocess.run(app, check=False).returncode


def _share_archives(outdir: Path) -> None:
    """Each asset is packed once: the CDK CLI takes the archive that it finds under the hash of what is in it."""
    archives = _KEPT / ".cache"
    archives.mkdir(exist_ok=True)
    if not (outdir / archives.name).exists():
        (outdir / archives.name).symlink_to(archives)


def _lend_assets(outdir: Path) -> None:
    """The folders of assets that were staged before: the CDK copies none that is there under the hash of what is in it."""
    outdir.mkdir(exist_ok=True)
    for asset in _ASSETS.glob(f"{_ASSET}*"):
        with contextlib.suppress(FileExistsError):
            (outdir / asset.name).symlink_to(asset)


def _keep_assets(outdir: Path) -> None:
    """Move new folders of assets to the shared ones; the assembly has links to those that it names."""
    named = "".join(manifest.read_text(encoding="utf-8") for manifest in outdir.glob("*.assets.json"))
    _ASSETS.mkdir(exist_ok=True)
    for asset in outdir.glob(f"{_ASSET}*"):
        if asset.is_symlink():
            if asset.name not in named:
                asset.unlink()
        elif asset.is_dir():
            shared = _ASSETS / asset.name
            with tempfile.TemporaryDirectory(dir=_KEPT) as folder, contextlib.suppress(OSError):
                Path(shutil.move(asset, Path(folder) / asset.name)).rename(shared)  # or another has done so
            asset.symlink_to(shared)


def _copy(assembly: Path, folder: Path) -> Path:
    """A second name for each file: the CDK CLI adds files to an assembly, and changes none but its locks, which are not copied."""

    def locks(place: str, names: list[str]) -> set[str]:
        return {name for name in names if name.endswith(".lock")} if Path(place) == assembly else set()

    shutil.copytree(assembly, folder, copy_function=os.link, dirs_exist_ok=True, symlinks=True, ignore=locks)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
