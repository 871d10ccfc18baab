"""Commands for BIND over its control channel, as `rndc` sends them, without a process for each.

Source: BIND 9, lib/isccc/cc.c: messages of nested tables, signed with HMAC-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import struct
import time
from typing import Final, TypeAlias

__all__ = ["send_command"]

Table: TypeAlias = dict[bytes, "bytes | Table"]

_VERSION: Final = 1
_SHA256: Final = 163
_DIGEST_BYTES: Final = 88
_BINARY: Final = 1
_TABLE: Final = 2
_SECONDS: Final = 20


def send_command(address: str, port: int, secret: bytes, command: str) -> None:
    """Have the server at this control channel do it.

    Raises:
        RuntimeError: it refuses.
    """
    with socket.create_connection((address, port), timeout=_SECONDS) as connection:
        greeted = _asked(connection, secret, b"null")
        done = _asked(connection, secret, command.encode(), greeted[b"_ctrl"])
    answer = done[b"_data"]
    assert isinstance(answer, dict)
    if answer.get(b"result") != b"0":
        raise RuntimeError(f"{command}: {answer}")


def _asked(connection: socket.socket, secret: bytes, command: bytes, greeted: bytes | Table | None = None) -> Table:
    """The answer to one command; the first gives the nonce for the second."""
    now = int(time.time())
    serial = str(secrets.randbits(31)).encode()
    control: Table = {b"_ser": serial, b"_tim": str(now).encode(), b"_exp": str(now + 60).encode()}
    if isinstance(greeted, dict):
        control[b"_nonce"] = greeted[b"_nonce"]
    body = _written({b"_ctrl": control, b"_data": {b"type": command}})
    digest = base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).ljust(_DIGEST_BYTES, b"\0")
    message = struct.pack("!L", _VERSION) + _written({b"_auth": {b"hsha": bytes([_SHA256]) + digest}}) + body
    connection.sendall(struct.pack("!L", len(message)) + message)
    with connection.makefile("rb") as answer:
        (size,) = struct.unpack("!L", answer.read(4))
        return _read(answer.read(size)[4:])


def _written(table: Table) -> bytes:
    parts = []
    for key, value in table.items():
        kind, said = (_TABLE, _written(value)) if isinstance(value, dict) else (_BINARY, value)
        parts.append(bytes([len(key)]) + key + struct.pack("!BL", kind, len(said)) + said)
    return b"".join(parts)


def _read(said: bytes) -> Table:
    table: Table = {}
    while said:
        key, said = said[1 : 1 + said[0]], said[1 + said[0] :]
        kind, size = struct.unpack("!BL", said[:5])
        value, said = said[5 : 5 + size], said[5 + size :]
        table[key] = _read(value) if kind == _TABLE else value
    return table
