"""Every container format, made by the programs that people make it with."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["FORMS", "POSITIONS", "Form", "made"]

Form = Callable[[Path, list[str]], bytes]
"""Makes one file of those of these names in a folder."""

POSITIONS: Final = ("first", "middle", "last")
_FILES: Final = {
    "notes.txt": b"Notes of the meeting, long enough to be packed: " + b"again and " * 30,
    "table.csv": b"a;b;c\n1;2;3\n" * 40,
}


def made(form: Form, payload: bytes, position: str, name: str = "invoice.bin") -> bytes:
    """The container, with the payload as the first, middle or last of three files."""
    others = list(_FILES)
    names = {"first": [name, *others], "middle": [others[0], name, others[1]], "last": [*others, name]}[position]
    with tempfile.TemporaryDirectory() as folder:
        for one in names:
            (Path(folder) / one).write_bytes(_FILES.get(one, payload))
        return form(Path(folder), names)


def run(folder: Path, *words: str, given: bytes = b"") -> bytes:
    """Run a program there; gives what it prints."""
    done = subprocess.run(words, cwd=folder, input=given, capture_output=True, check=False)
    assert done.returncode == 0, (words, done.stderr[-500:], done.stdout[-500:])
    return done.stdout


def by(*words: str, out: str) -> Form:
    """A program that is given the files' names behind these words, and writes `out`."""

    def form(folder: Path, names: list[str]) -> bytes:
        run(folder, *words, *names)
        return (folder / out).read_bytes()

    return form


def listed(*words: str) -> Form:
    """A program that reads the files' names from its input, and prints what it makes."""
    return lambda folder, names: run(folder, *words, given="".join(f"{name}\n" for name in names).encode())


def piped(of: Form, *words: str) -> Form:
    """A program that compresses what another form makes."""
    return lambda folder, names: run(folder, *words, given=of(folder, names))


def streams(compress: Callable[[bytes], bytes]) -> Form:
    """A stream for each file, behind an empty one: the payload begins what a reader shows where it is first."""

    def form(folder: Path, names: list[str]) -> bytes:
        return compress(b"") + b"".join(compress((folder / name).read_bytes()) for name in names)

    return form


def alone(*words: str) -> Form:
    """A program that compresses one file, the payload: in a tar archive where it is not the first."""

    def form(folder: Path, names: list[str]) -> bytes:
        name = next(name for name in names if name not in _FILES)
        return run(folder, *words, given=(folder / name).read_bytes())

    return form


def within(outer: Callable[[bytes], bytes], of: Form) -> Form:
    """A form as the one file in another."""
    return lambda folder, names: outer(of(folder, names))


def zipped(content: bytes) -> bytes:
    """A ZIP archive of one file."""
    with tempfile.TemporaryFile() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.dat", content)
        out.seek(0)
        return out.read()


def _python_zip(method: int) -> Form:
    def form(folder: Path, names: list[str]) -> bytes:
        with zipfile.ZipFile(folder / "out.zip", "w", method) as archive:
            for name in names:
                archive.write(folder / name, name)
        return (folder / "out.zip").read_bytes()

    return form


def _python_tar(form_of: int) -> Form:
    def form(folder: Path, names: list[str]) -> bytes:
        with tarfile.open(folder / "out.tar", "w", format=form_of) as archive:
            for name in names:
                archive.add(folder / name, name)
        return (folder / "out.tar").read_bytes()

    return form


def _seven(kind: str, *words: str) -> Form:
    return by("7zz", "a", "-bd", f"-t{kind}", *words, f"out.{kind}", out=f"out.{kind}")


def _bsdtar(kind: str, *words: str) -> Form:
    return by("bsdtar", "-c", "--format", kind, *words, "-f", "out", out="out")


def _iso(*words: str) -> Form:
    return by("genisoimage", "-quiet", *words, "-o", "out.iso", out="out.iso")


def _xorriso(folder: Path, names: list[str]) -> bytes:
    run(folder, "xorriso", "-as", "mkisofs", "-quiet", "-o", "out.iso", *names)
    return (folder / "out.iso").read_bytes()


def _wim(folder: Path, names: list[str]) -> bytes:
    (folder / "in").mkdir()
    for name in names:
        (folder / name).rename(folder / "in" / name)
    run(folder, "wimcapture", "in", "out.wim", "--compress=none")
    return (folder / "out.wim").read_bytes()


def _disk(kind: str, *words: str) -> Form:
    """A disk with an ISO on it, in the format of a virtual machine."""

    def form(folder: Path, names: list[str]) -> bytes:
        _iso()(folder, names)
        run(folder, "qemu-img", "convert", "-f", "raw", "-O", kind, *words, "out.iso", "out.disk")
        return (folder / "out.disk").read_bytes()

    return form


def _squashfs(folder: Path, names: list[str]) -> bytes:
    run(folder, "mksquashfs", *names, "out.squashfs", "-no-progress", "-quiet")
    return (folder / "out.squashfs").read_bytes()


def _truncated(of: Form) -> Form:
    """A ZIP archive without its directory."""

    def form(folder: Path, names: list[str]) -> bytes:
        whole = of(folder, names)
        return whole[: whole.index(b"PK\x01\x02")]

    return form


def _after(of: Form, before: bytes) -> Form:
    return lambda folder, names: before + of(folder, names)


def _zips_in_a_row(folder: Path, names: list[str]) -> bytes:
    archives = []
    for name in names:
        archives.append(ZIP(folder, [name]))
        (folder / "out.zip").unlink()
    return b"".join(archives)


TAR: Final = _bsdtar("ustar")
ZIP: Final = by("zip", "-q", "out.zip", out="out.zip")

FORMS: Final[dict[str, Form]] = {
    "ZIP (zip)": ZIP,
    "ZIP, stored (zip -0)": by("zip", "-q", "-0", "out.zip", out="out.zip"),
    "ZIP, bzip2 (zip -Z bzip2)": by("zip", "-q", "-Z", "bzip2", "out.zip", out="out.zip"),
    "ZIP, streamed (zip -fd)": by("zip", "-q", "-fd", "out.zip", out="out.zip"),
    "ZIP, ZIP64 (zip -fz)": by("zip", "-q", "-fz", "out.zip", out="out.zip"),
    "ZIP (7-Zip)": _seven("zip"),
    "ZIP, Deflate64 (7-Zip)": _seven("zip", "-mm=Deflate64"),
    "ZIP, LZMA (7-Zip)": _seven("zip", "-mm=LZMA"),
    "ZIP, PPMd (7-Zip)": _seven("zip", "-mm=PPMd"),
    "ZIP (bsdtar)": _bsdtar("zip"),
    "ZIP (Python)": _python_zip(zipfile.ZIP_DEFLATED),
    "ZIP, bzip2 (Python)": _python_zip(zipfile.ZIP_BZIP2),
    "ZIP, LZMA (Python)": _python_zip(zipfile.ZIP_LZMA),
    "ZIP with a password (zip -e)": by("zip", "-q", "-P", "secret", "out.zip", out="out.zip"),
    "ZIP with a password, AES (7-Zip)": _seven("zip", "-psecret", "-mem=AES256"),
    "ZIP without its directory": _truncated(ZIP),
    "ZIP behind a program": _after(ZIP, b"MZ" + bytes(4000)),
    "three ZIPs in one file": _zips_in_a_row,
    "7z (7-Zip)": _seven("7z"),
    "7z, PPMd": _seven("7z", "-m0=PPMd"),
    "7z, bzip2": _seven("7z", "-m0=BZip2"),
    "7z, Deflate": _seven("7z", "-m0=Deflate"),
    "7z, stored": _seven("7z", "-m0=Copy"),
    "7z, BCJ2": _seven("7z", "-mf=BCJ2"),
    "7z, not solid": _seven("7z", "-ms=off"),
    "7z with a password": _seven("7z", "-psecret"),
    "7z with a password on its names": _seven("7z", "-psecret", "-mhe=on"),
    "7z (bsdtar)": _bsdtar("7zip"),
    "tar, ustar": TAR,
    "tar, pax": _bsdtar("pax"),
    "tar, GNU": _python_tar(tarfile.GNU_FORMAT),
    "tar, V7": _bsdtar("v7tar"),
    "tar (7-Zip)": _seven("tar"),
    "tar.gz": piped(TAR, "gzip", "-c"),
    "tar.bz2": within(bz2.compress, TAR),
    "tar.xz": within(lzma.compress, TAR),
    "tar.lzma": within(lambda it: lzma.compress(it, format=lzma.FORMAT_ALONE), TAR),
    "tar.zst": piped(TAR, "zstd", "-q", "-c"),
    "tar.lz4": piped(TAR, "lz4", "-q", "-c"),
    "tar.lz": piped(TAR, "lzip", "-c"),
    "tar.lzo": piped(TAR, "lzop", "-c"),
    "tar.Z": piped(TAR, "compress", "-c", "-f"),
    "tar.br": piped(TAR, "brotli", "-c"),
    "gzip, several streams": streams(gzip.compress),
    "bzip2, several streams": streams(bz2.compress),
    "xz, several streams": streams(lzma.compress),
    "gzip": alone("gzip", "-c"),
    "bzip2": within(bz2.compress, alone("cat")),
    "xz": alone("xz", "-c"),
    "lzma": alone("xz", "-c", "--format=lzma"),
    "lzip": alone("lzip", "-c"),
    "LZ4": alone("lz4", "-q", "-c"),
    "LZ4, old frames": alone("lz4", "-q", "-l", "-c"),
    "Zstandard": alone("zstd", "-q", "-c"),
    "compress (.Z)": alone("compress", "-c", "-f"),
    "lzop": alone("lzop", "-c"),
    "Brotli": alone("brotli", "-c"),
    "cpio, binary": listed("cpio", "--quiet", "-o", "-H", "bin"),
    "cpio, odc": listed("cpio", "--quiet", "-o", "-H", "odc"),
    "cpio, newc": listed("cpio", "--quiet", "-o", "-H", "newc"),
    "cpio, crc": listed("cpio", "--quiet", "-o", "-H", "crc"),
    "ar": by("ar", "qcS", "out.a", out="out.a"),
    "ar, BSD": _bsdtar("arbsd"),
    "xar": _bsdtar("xar"),
    "WARC": _bsdtar("warc"),
    "CAB (gcab)": by("gcab", "-c", "out.cab", out="out.cab"),
    "CAB, MSZIP (gcab -z)": by("gcab", "-z", "-c", "out.cab", out="out.cab"),
    "LHA (jlha)": by("jlha", "aq", "out.lzh", out="out.lzh"),
    "ARJ (arj)": by("arj", "a", "-i", "-y", "out.arj", out="out.arj"),
    "ARJ, stored": by("arj", "a", "-i", "-y", "-m0", "out.arj", out="out.arj"),
    "ISO 9660": _iso(),
    "ISO 9660, Joliet and Rock Ridge": _iso("-J", "-R"),
    "ISO 9660 (xorriso)": _xorriso,
    "ISO 9660 and UDF": _iso("-udf", "-J"),
    "WIM": _wim,
    "VHD, fixed": _disk("vpc", "-o", "subformat=fixed"),
    "VHD, dynamic": _disk("vpc"),
    "VHDX": _disk("vhdx"),
    "VMDK": _disk("vmdk"),
    "QCOW2": _disk("qcow2"),
    "VDI": _disk("vdi"),
    "SquashFS": _squashfs,
}  # fmt: skip
"""By their names; those of documents are in `embedded_forms`."""
