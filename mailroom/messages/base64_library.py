"""Decodes base64 that has nothing else in it: by pybase64 where it is installed, and else by Python. Pure."""

from __future__ import annotations

import binascii

try:
    # The distribution's extra `fast`; functions in Lambda have no compiled libraries.
    import pybase64 as _pybase64
except ImportError:
    _pybase64 = None  # type: ignore[assignment]

__all__ = ["strict_base64"]


def strict_base64(letters: bytes | bytearray) -> bytes:
    """The decoded bytes, whichever library decodes them.

    Args:
        letters: letters of base64, with padding at the end.

    Raises:
        binascii.Error: it has other characters, or is not padded.
    """
    if _pybase64 is not None:
        try:
            return _pybase64.b64decode(letters, validate=True)
        except binascii.Error:
            pass  # of padding, Python accepts more
    return binascii.a2b_base64(letters, strict_mode=True)
