"""Debian's mutt, s-nail, nmh and notmuch as a person uses them: read the newest message, answer it, quoting what it answers."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

__all__ = ["CLIENTS", "Client"]

PERSON: Final = "Anna <anna@example.net>"
_PATIENCE: Final = 60
"""Seconds that a program on a terminal may take."""


class Client:
    """A person's mail client, with a mailbox and a way of sending of its own.

    Args:
        home: an empty folder.
    """

    answers_above: ClassVar = False
    """Whether answers stand above what they quote; below, nothing is told from them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.out = home / "sent"
        self._sendmail = self.script("sendmail", f'cat > "{self.out}"\n')
        self._count = 0
        self.prepare()

    def prepare(self) -> None:
        """Write the client's settings."""

    def receive(self, raw: bytes) -> None:
        """Put a message into the mailbox; it is the newest."""
        raise NotImplementedError

    def shown(self) -> str:
        """The person's view of the newest message."""
        raise NotImplementedError

    def compose(self, words: str) -> None:
        """Answer the newest message."""
        raise NotImplementedError

    def answer(self, words: str) -> bytes:
        """Answer the newest message; returns what the client sends."""
        self.out.unlink(missing_ok=True)
        self.compose(words)
        return self.out.read_bytes()

    def script(self, name: str, lines: str) -> Path:
        """A shell script in the folder."""
        path = self.home / name
        path.write_text(f"#!/bin/sh\n{lines}")
        path.chmod(0o755)
        return path

    def run(self, *command: str, stdin: str = "") -> str:
        """A program's output."""
        done = subprocess.run(
            command, cwd=self.home, env=self._environment, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def on_terminal(self, *command: str) -> None:
        """Run a program that wants a terminal, to its end."""
        process, terminal = pty.fork()
        if process == 0:  # pragma: no cover - the child becomes the program
            os.chdir(self.home)
            os.execvpe(command[0], command, self._environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        seen, end = b"", time.monotonic() + _PATIENCE
        try:
            while time.monotonic() < end:
                if select.select([terminal], [], [], 1)[0]:
                    seen += os.read(terminal, 65_536)
        except OSError:  # the program has closed it
            end = 0.0
        finally:
            if end:
                os.kill(process, 9)
            os.close(terminal)
            _, status = os.waitpid(process, 0)
        assert (end, status) == (0.0, 0), seen.decode(errors="replace")

    @property
    def _environment(self) -> dict[str, str]:
        path = f"{os.environ['PATH']}:/usr/bin/mh"
        return {"HOME": str(self.home), "PATH": path, "LC_ALL": "C.UTF-8", "TERM": "xterm", "TZ": "UTC"}


class _Mbox(Client):
    """Keeps the newest message in a file of the mbox format."""

    @property
    def mbox(self) -> Path:
        """The file."""
        return self.home / "mbox"

    def receive(self, raw: bytes) -> None:
        lines = raw.replace(b"\r\n", b"\n")
        self.mbox.write_bytes(b"From someone@example.org Mon Nov 23 09:00:00 2026\n" + lines + b"\n\n")


class SNail(_Mbox):
    """s-nail: an answer stands below the quotation."""

    def shown(self) -> str:
        return self._told("type 1\nx\n")

    def compose(self, words: str) -> None:
        self._told(f"reply 1\n{words}~.\nx\n")

    def _told(self, commands: str) -> str:
        settings = (f"mta={self._sendmail}", f"from={PERSON}", "quote", "indentprefix=> ", "ttycharset=utf-8")
        named = [part for one in settings for part in ("-S", one)]
        return self.run("s-nail", "-n", "-#", "-R", *named, "-f", str(self.mbox), stdin=commands)


class Mutt(_Mbox):
    """mutt on a terminal: an answer stands above the quotation."""

    answers_above = True

    def prepare(self) -> None:
        settings = (
            f"from='{PERSON}' use_from=yes hostname=example.net sendmail={self._sendmail} record='' copy=no",
            f"editor={self.home}/editor include=yes fast_reply=yes abort_unmodified=no recall=no signature=''",
            f"folder={self.home} move=no mark_old=no wait_key=no quit=yes pipe_decode=yes charset=utf-8",
        )
        (self.home / "muttrc").write_text("".join(f"set {one}\n" for one in settings))
        self.script("editor", f'cat {self.home}/words "$1" > "$1.new"\nmv "$1.new" "$1"\n')

    def shown(self) -> str:
        self._pressed(f"<pipe-message>cat > {self.home}/shown<enter>")
        return (self.home / "shown").read_text()

    def compose(self, words: str) -> None:
        (self.home / "words").write_text(words)
        self._pressed("<reply><send-message>")

    def _pressed(self, keys: str) -> None:
        self.on_terminal("mutt", "-F", "muttrc", "-f", str(self.mbox), "-e", f'push "{keys}<exit>"')


class Nmh(Client):
    """nmh: an answer stands below the quotation, whose line above says nobody's date."""

    def prepare(self) -> None:
        quote = self.script("quote", "sed -e 's/<[^>]*>//g' -e 's/^/> /' \"$1\"\n")
        self._mail = self.home / "Mail"
        (self._mail / "inbox").mkdir(parents=True)
        (self.home / ".mh_profile").write_text(
            f"Path: {self._mail}\nLocal-Mailbox: {PERSON}\n"
            "repl: -convertargs text/plain '' -convertargs text/html '' -filter mhl.replywithoutbody -nocc me\n"
            f"mhbuild-convert-text/plain: {quote} %F\nmhbuild-convert-text/html: {quote} %F\n"
        )

    def receive(self, raw: bytes) -> None:
        self._count += 1
        (self._mail / "inbox" / str(self._count)).write_bytes(raw.replace(b"\r\n", b"\n"))

    def shown(self) -> str:
        return self.run("mhshow", "-prefer", "text/plain", str(self._count), "+inbox")

    def compose(self, words: str) -> None:
        draft = self._mail / "draft"
        self.run("repl", "-nowhatnowproc", str(self._count), "+inbox")
        self.run("mhbuild", str(draft))
        lines = [line for line in draft.read_text().splitlines(keepends=True) if not line.startswith("Fcc:")]
        draft.write_text("".join(lines) + words)
        sends = ("-mts", "sendmail/pipe", "-sendmail", str(self._sendmail), "-msgid", "-messageid", "random")
        self.run("send", *sends, str(draft))


class Notmuch(Client):
    """notmuch makes the answer, and mutt sends it, as in scripts of those who use both: it stands below the quotation."""

    def prepare(self) -> None:
        for name in ("cur", "new", "tmp"):
            (self.home / "mail" / name).mkdir(parents=True)
        (self.home / ".notmuch-config").write_text(
            f"[database]\npath={self.home}/mail\n[user]\nname=Anna\nprimary_email=anna@example.net\n[new]\ntags=new\n"
        )
        (self.home / "muttrc").write_text(
            f"set from='{PERSON}' use_from=yes hostname=example.net sendmail={self._sendmail} copy=no charset=utf-8\n"
        )

    def receive(self, raw: bytes) -> None:
        self._count += 1
        if self._count == 1:
            self.run("notmuch", "new")
        (self.home / "mail" / "new" / f"{self._count}.a.b").write_bytes(raw.replace(b"\r\n", b"\n"))
        self.run("notmuch", "tag", "-new", "--", "*")
        self.run("notmuch", "new")

    def shown(self) -> str:
        return self.run("notmuch", "show", "--format=text", "--entire-thread=false", "tag:new")

    def compose(self, words: str) -> None:
        draft = self.home / "draft"
        draft.write_text(self.run("notmuch", "reply", "tag:new") + words)
        self.run("mutt", "-F", "muttrc", "-H", str(draft))


CLIENTS: Final[dict[str, Callable[[Path], Client]]] = {
    "mutt": Mutt,
    "s-nail": SNail,
    "nmh": Nmh,
    "notmuch": Notmuch,
}
