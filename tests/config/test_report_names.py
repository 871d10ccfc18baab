"""Names by which other domains take a tenant's DMARC reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from email_stack.config import ConfigError, load

LONG = f"{'b' * 63}.{'c' * 63}.{'d' * 17}.{'e' * 55}.example"


@pytest.mark.parametrize(
    ("subdomain", "domain", "octets"),
    [(LONG, f"{'e' * 55}.example", 288), ("a.example.com", f"{'x' * 60}.{'y' * 60}.{'z' * 60}.{'w' * 33}.example", 0)],
)
def test_name_that_dns_cannot_hold_is_refused(tmp_path: Path, subdomain: str, domain: str, octets: int) -> None:
    """Over 253 octets no server loads the zone file that holds it; at 253 it is taken."""
    path = tmp_path / "tenants.yaml"
    path.write_text(
        "cells: {eu: {region: eu-central-1}}\n"
        "tenants:\n"
        f"  - {{id: long, subdomain: {subdomain}, dns: self-managed, dmarc: {{rua: [dmarc@{domain}]}}}}\n"
    )
    if octets:
        with pytest.raises(ConfigError, match=f"makes {octets}; take reports at an address of the subdomain itself"):
            load(path)
    else:
        assert len(f"{subdomain}._report._dmarc.{domain}") == 253
        assert load(path).tenants[0].dmarc_rua == (f"dmarc@{domain}",)
