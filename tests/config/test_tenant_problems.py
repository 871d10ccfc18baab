"""Every rule for one tenant: the exact message, its place and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.configs import HEAD, lines_of, with_tenant
from tests.config.refused_addresses import ADDRESSES
from tests.config.refused_names import IDENTIFIER, IDS, SUBDOMAINS
from tests.config.refused_settings import SETTINGS

TENANT = 'tenant "acme":'


@pytest.mark.parametrize(("subdomain", "message"), SUBDOMAINS.values(), ids=SUBDOMAINS)
def test_refuses_a_subdomain_that_dns_or_ses_would_refuse(tmp_path: Path, subdomain: str, message: str) -> None:
    """Each with what to write instead."""
    text = f"{HEAD}  - id: acme\n    subdomain: {subdomain}\n"
    assert lines_of(tmp_path, text) == [f"tenants.yaml:5:5: {TENANT} subdomain {message}"]


@pytest.mark.parametrize(("written", "shown", "remedy"), IDS.values(), ids=IDS)
def test_refuses_an_id_that_cannot_name_stacks(tmp_path: Path, written: str, shown: str, remedy: str | None) -> None:
    """With the nearest id that could."""
    text = f"{HEAD}  - subdomain: post.acme.example\n    id: {written}\n"
    use = f'use "{remedy}"' if remedy else 'use one such as "acme"'
    assert lines_of(tmp_path, text) == [f"tenants.yaml:5:5: tenant {shown}: id {IDENTIFIER}, got {shown}; {use}"]


REFUSED = {**SETTINGS, **ADDRESSES}


@pytest.mark.parametrize(("settings", "line"), REFUSED.values(), ids=REFUSED)
def test_refuses_a_setting(tmp_path: Path, settings: str, line: str) -> None:
    """One problem, at its line and column, with its remedy."""
    assert lines_of(tmp_path, with_tenant(settings)) == [f"tenants.yaml:{line.replace('{T}', TENANT)}"]


@pytest.mark.parametrize("subdomain", ["post", "5", "[]"])
def test_an_address_is_told_apart_only_by_a_good_subdomain(tmp_path: Path, subdomain: str) -> None:
    """Beside a bad one, the address has the remedy that holds for any."""
    text = f"{HEAD}  - id: acme\n    subdomain: {subdomain}\n    addresses: [a@post.example]\n"
    assert lines_of(tmp_path, text)[1] == (
        f'tenants.yaml:6:17: {TENANT} addresses[0] must be the part before the @ alone, got "a@post.example"; '
        "write only the part before @"
    )


def test_an_address_must_fit_with_its_subdomain(tmp_path: Path) -> None:
    """RFC 5321's 254 octets hold for the whole address."""
    subdomain = "a." * 95 + "example"
    text = f"{HEAD}  - id: acme\n    subdomain: {subdomain}\n    addresses: [{'x' * 60}]\n    role_addresses: [{'y' * 60}]\n"
    message = "must make an address of at most 254 octets with the subdomain, makes 258"
    assert lines_of(tmp_path, text) == [
        f'tenants.yaml:6:17: {TENANT} addresses[0] {message}, got "{"x" * 60}"; shorten it',
        f'tenants.yaml:7:22: {TENANT} role_addresses[0] {message}, got "{"y" * 60}"; shorten it',
    ]


def test_the_mail_from_domain_must_fit(tmp_path: Path) -> None:
    """DNS's 253 octets hold for it too, where the subdomain alone would do."""
    subdomain = "a." * 100 + "example"
    text = f"{HEAD}  - id: acme\n    subdomain: {subdomain}\n    mail_from: {'m' * 50}\n"
    assert lines_of(tmp_path, text) == [
        f"tenants.yaml:6:5: {TENANT} mail_from must make a name of at most 253 octets with the subdomain, makes 258, "
        f'got "{"m" * 50}"; use "mail"'
    ]


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    """Those of each field, between fields and between tenants, in the order of lines."""
    text = (
        f"{HEAD}  - id: acme\n    subdomain: post.acme.example\n    live: maybe\n    mail_from: a.b\n    speed: 9\n"
        "  - subdomain: post.acme.example\n    tags: {a: 1}\n"
        "  - 5\n"
        "  - id: acme\n    subdomain: post.other.example\n    dns: self-managed\n"
        "    portal: {target: d1.cloudfront.net}\n    tracking: {redirect_domain: x.example}\n"
    )
    assert [line.split(", got")[0].split("; ")[0].split(" (")[0] for line in lines_of(tmp_path, text)] == [
        f"tenants.yaml:6:5: {TENANT} live must be true or false",
        f"tenants.yaml:7:5: {TENANT} mail_from must be one label",
        f"tenants.yaml:8:5: {TENANT} speed is no key that is known here",
        "tenants.yaml:9:5: tenant 2: id is missing",
        'tenants.yaml:9:5: tenant 2: subdomain must be unique, is also tenant "acme"\'s',
        "tenants.yaml:10:12: tenant 2: tags.a must be text",
        "tenants.yaml:11:5: tenant 3: must be a mapping",
        f"tenants.yaml:12:5: {TENANT} id must be unique, is also at tenants.yaml:4",
        f"tenants.yaml:15:5: {TENANT} portal needs dns: delegated",
        f'tenants.yaml:16:16: {TENANT} tracking.redirect_domain must be below the subdomain "post.other.example"',
    ]
