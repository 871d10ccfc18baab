"""Values of a valid config for the stacks."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from email_stack.config import Cell, Config, ConfigError, Tenant
from mailroom.addresses import DesignatedAddress
from tests.config.configs import HEAD, config_of, tenant_of


def test_the_shortest_tenant_has_every_default(tmp_path: Path) -> None:
    """An id and a subdomain are enough."""
    tenant = tenant_of(tmp_path, "")
    assert tenant.model_dump() == {
        "id": "acme",
        "settings": "git",
        "subdomain": "post.acme.example",
        "cell": "eu",
        "dns": "delegated",
        "parent_zone": None,
        "addresses": (),
        "role_addresses": ("postmaster", "abuse"),
        "catch_all": False,
        "dmarc": {"policy": "quarantine", "rua": None},
        "mta_sts": None,
        "mail_from": "mail",
        "alerts": (),
        "access": (),
        "tracking": {"opens": True, "clicks": True, "redirect_domain": None, "suppressed_addresses": "hashed"},
        "scanning": {
            "mode": "shared",
            "clean": "deliver",
            "infected": "strip",
            "encrypted": "hold",
            "over_limit": "hold",
            "encrypted_mail": None,
            "active_content": {
                "preset": "standard",
                "programs": None,
                "macros": None,
                "web_scripts": None,
                "onenote_files": None,
                "pdf_actions": None,
            },
            "error": "hold",
        },
        "receiving": {"unauthenticated": "flag"},
        "retention": {"raw_days": 90, "messages_days": None},
        "encryption": None,
        "join_threads_by": (),
        "removal": "retain",
        "live": True,
        "receiving_tls": "require",
        "portal": None,
        "ownership": None,
        "tags": {},
    }
    assert tenant.mail_from_domain == "mail.post.acme.example"
    assert tenant.receiving_addresses == ("postmaster@post.acme.example", "abuse@post.acme.example")
    assert tenant.sending_addresses == ()
    assert [one.sends for one in tenant.designated_addresses] == [False, False]
    assert tenant.dmarc_rua == ("postmaster@post.acme.example",)
    assert tenant.subdomain_unicode == tenant.subdomain


def test_the_shortest_cell_has_every_default(tmp_path: Path) -> None:
    """A region is enough: the account is that of the caller's credentials."""
    (cell,) = config_of(tmp_path, f"{HEAD}  []\n").cells
    assert (cell.id, cell.region, cell.account, cell.removal) == ("eu", "eu-central-1", None, "retain")
    assert (cell.quotas.receipt_rules, cell.quotas.recipients_per_rule, cell.quotas.hosted_zones) == (200, 100, 500)


def test_both_forms_of_a_subdomain_are_kept(tmp_path: Path) -> None:
    """A-labels for DNS and AWS, U-labels for people."""
    tenant = config_of(tmp_path, f"{HEAD}  - {{id: acme, subdomain: post.MÜLLER.example.}}\n").tenants[0]
    assert (tenant.subdomain, tenant.subdomain_unicode) == ("post.xn--mller-kva.example", "post.müller.example")


def test_addresses_are_short_or_long(tmp_path: Path) -> None:
    """A local part alone sends and receives."""
    tenant = tenant_of(
        tmp_path,
        "addresses:\n  - Support\n  - {local_part: news, receive: false, display_name: Acme News}\n"
        "  - {local_part: inbox, send: false}\n  - {local_part: news+weekly, receive: false}\n",
    )
    domain = "@post.acme.example"
    assert tenant.sending_addresses == (f"support{domain}", f"news{domain}", f"news+weekly{domain}")
    assert tenant.receiving_addresses == (f"postmaster{domain}", f"abuse{domain}", f"support{domain}", f"inbox{domain}")
    assert tenant.designated_addresses[3] == DesignatedAddress(f"news{domain}", "Acme News", receives=False)


def test_what_is_listed_goes_before_roles(tmp_path: Path) -> None:
    """A role address that is listed is what its entry says, in its place as a role."""
    tenant = tenant_of(tmp_path, "addresses: [x, abuse, {local_part: postmaster, receive: false}]")
    assert tenant.receiving_addresses == ("abuse@post.acme.example", "x@post.acme.example")
    assert "postmaster@post.acme.example" in tenant.sending_addresses
    assert tenant.dmarc_rua == ()


LOCAL_PARTS = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), unique=True, max_size=8)


@given(LOCAL_PARTS, st.data())
def test_appending_an_address_moves_no_other(locals_: list[str], data: st.DataObject) -> None:
    """So that no address changes its receipt rule."""
    count = data.draw(st.integers(0, len(locals_)))
    before, after = (_tenant(locals_[:count]).receiving_addresses, _tenant(locals_).receiving_addresses)
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)


def _tenant(local_parts: list[str]) -> Tenant:
    settings = {"id": "acme", "subdomain": "post.acme.example", "cell": "eu", "addresses": tuple(local_parts)}
    return Tenant.model_validate(settings)


def test_reports_reach_a_catch_all(tmp_path: Path) -> None:
    """Whose postmaster needs no address of its own."""
    tenant = tenant_of(tmp_path, "catch_all: true\nrole_addresses: []\naddresses: [a, b]")
    assert tenant.dmarc_rua == ("postmaster@post.acme.example",)


@pytest.mark.parametrize(
    ("settings", "rua"),
    [
        ("dmarc: {rua: []}", ()),
        ("dmarc: {rua: [D@reports.example]}", ("D@reports.example",)),
        ("role_addresses: [abuse]", ()),
        ("role_addresses: []\naddresses: [postmaster]", ("postmaster@post.acme.example",)),
    ],
)
def test_reports_go_where_they_are_received(tmp_path: Path, settings: str, rua: tuple[str, ...]) -> None:
    """The default is the postmaster, if the subdomain receives at that address."""
    assert tenant_of(tmp_path, settings).dmarc_rua == rua


def test_scanning_has_a_short_form(tmp_path: Path) -> None:
    """The mode alone."""
    assert tenant_of(tmp_path, "scanning: dedicated") == tenant_of(tmp_path, "scanning: {mode: dedicated}")


@pytest.mark.parametrize(
    ("portal", "zone"),
    [
        ("{target: D1.CloudFront.net.}", "Z2FDTNDATAQYW2"),
        ("{target: d1.cloudfront.net, hosted_zone_id: Z2FDTNDATAQYW2}", "Z2FDTNDATAQYW2"),
        ("{target: lb.eu-central-1.elb.amazonaws.com, hosted_zone_id: Z215JYRZR1TBD5}", "Z215JYRZR1TBD5"),
    ],
)
def test_a_portal_knows_its_zone(tmp_path: Path, portal: str, zone: str) -> None:
    """CloudFront's needs not be written."""
    found = tenant_of(tmp_path, f"portal: {portal}").portal
    assert found is not None
    assert found.hosted_zone_id == zone


def test_limits_are_inclusive(tmp_path: Path) -> None:
    """Forty tags, keys of 128 and values of 256 characters, and letters of any script are fine."""
    tags = ", ".join(f"'{number:0128}': '{'v' * 256}'" for number in range(39))
    tenant = tenant_of(tmp_path, f"tags: {{{tags}, 'Kosten stelle/+-=.:@_': Müller 名}}\nretention: {{raw_days: 3650}}")
    assert len(tenant.tags) == 40


def test_a_config_does_not_change(tmp_path: Path) -> None:
    """Frozen, and usable as a key; it survives pickling, for those who work in processes."""
    config = config_of(tmp_path, f"{HEAD}  - {{id: acme, subdomain: post.acme.example, tags: {{a: b}}}}\n")
    tenant = config.tenant("acme")
    with pytest.raises(ValidationError, match="frozen"):
        tenant.live = False
    with pytest.raises(ValidationError, match="frozen"):
        config.cells[0].quotas.stacks = 1
    assert tenant.receiving_addresses
    assert {tenant: 1}[pickle.loads(pickle.dumps(tenant))] == 1
    assert pickle.loads(pickle.dumps(config)) == config


def test_the_same_text_gives_equal_configs(tmp_path: Path) -> None:
    """Nothing depends on the time or on the order of a set."""
    text = f"{HEAD}  - {{id: two, subdomain: b.acme.example}}\n  - {{id: one, subdomain: a.acme.example, tags: {{b: x, a: y}}}}\n"
    first, second = config_of(tmp_path, text), config_of(tmp_path, text)
    assert first == second
    assert [tenant.id for tenant in first.tenants] == ["two", "one"]
    assert list(first.tenants[1].tags) == ["b", "a"]


def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    """With the nearest name that is."""
    config = config_of(tmp_path, f"{HEAD}  - {{id: acme, subdomain: post.acme.example}}\n")
    assert isinstance(config.cell("eu"), Cell)
    with pytest.raises(
        ConfigError, match=r'tenants\.yaml:1:1: tenant "acne": is not in this config; did you mean "acme"\?$'
    ):
        config.tenant("acne")
    with pytest.raises(ConfigError, match=r'cell "mars": is not in this config; add it, or name a cell that is in it$'):
        config.tenants_of("mars")


def test_models_check_without_a_file_too() -> None:
    """Whoever builds a tenant in code meets the same rules."""
    with pytest.raises(ValidationError, match="must be one label; use"):
        Tenant(id="acme", subdomain="post.acme.example", cell="eu", mail_from="a.b")
    cell = Cell(id="eu", region="eu-west-1")
    tenant = Tenant(id="acme", subdomain="post.acme.example", cell="eu")
    assert Config(cells=(cell,), tenants=(tenant,)).tenant("acme") is tenant
