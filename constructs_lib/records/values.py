"""Values of several records."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

__all__ = ["inbound_host", "mailto_uris"]


def inbound_host(region: str) -> str:
    """Host that receives mail for SES. Source: AWS general reference, "Amazon SES endpoints", e-mail receiving."""
    return f"inbound-smtp.{region}.amazonaws.com"


def mailto_uris(addresses: Sequence[str]) -> str:
    """Addresses as a list of reporting URIs for a DMARC or TLS-RPT record.

    Source: RFC 9989 4.8 and RFC 8460 3: `,`, `!` and `;` must be percent-encoded.
    """
    return ",".join("mailto:" + quote(address, safe="@+=/$&'*~_.-") for address in addresses)
