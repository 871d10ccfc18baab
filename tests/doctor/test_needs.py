"""The need of each quota, and its part that is not deployed yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from email_stack.config import Config
from email_stack.config.capacity import cell_needs, quota_usage, tenant_needs
from email_stack.config.quotas import QUOTAS
from email_stack.doctor.needs import memory_needed, needs
from email_stack.doctor.sources import SOURCES
from tests.config.configs import config_of

CONFIG = """\
cells:
  eu: {region: eu-central-1, account: "111111111111"}
  us: {region: us-east-1, account: "111111111111"}
  far: {region: eu-west-1, account: "222222222222"}
tenants:
  - {id: acme, subdomain: post.acme.example, cell: eu}
  - {id: globex, subdomain: post.globex.example, cell: eu, dns: self-managed, scanning: dedicated}
  - {id: hooli, subdomain: post.hooli.example, cell: us}
  - {id: initech, subdomain: post.initech.example, cell: far}
"""
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Four tenants in three cells, two of them in one account."""
    return config_of(tmp_path, CONFIG)


def roles(config: Config, *ids: str) -> int:
    """IAM roles of these tenants and of their cells."""
    chosen = [config.tenant(one) for one in ids]
    cells = {tenant.cell for tenant in chosen}
    own = sum(tenant_needs(tenant, config.cell(tenant.cell))["iam_roles"] for tenant in chosen)
    return own + sum(cell_needs(config.cell(cell))["iam_roles"] for cell in cells)


def test_regions_of_an_account_add_up(config: Config) -> None:
    """Where the quota is the account's; where it is a region's, the cell stands alone."""
    found = needs(config, config.cell("eu"), config.tenants, {"eu": NOTHING, "us": NOTHING, "far": NOTHING})
    assert found["iam_roles"].total == found["iam_roles"].missing == roles(config, "acme", "globex", "hooli")
    assert found["event_rules"].total == 6 + 1
    assert found["hosted_zones"].total == 2


def test_what_is_deployed_is_not_missing(config: Config) -> None:
    """Stack by stack."""
    made = {"eu": frozenset({"Cell-eu", "Tenant-acme"})}
    found = needs(config, config.cell("eu"), config.tenants, made)
    assert found["iam_roles"].total == roles(config, "acme", "globex")
    assert found["iam_roles"].missing == tenant_needs(config.tenant("globex"), config.cell("eu"))["iam_roles"]
    assert found["kms_keys"].missing == 0
    assert found["hosted_zones"].missing == 0


def test_only_the_tenants_that_are_deployed(config: Config) -> None:
    """A deployment of one needs no room for the others."""
    found = needs(config, config.cell("eu"), [config.tenant("acme")], {"eu": NOTHING})
    assert found["iam_roles"].total == roles(config, "acme")


def test_nobody_knows_what_is_deployed(config: Config) -> None:
    """In one of the cells that share the quota: then nobody knows of any."""
    found = needs(config, config.cell("eu"), config.tenants, {"eu": NOTHING, "us": None})
    assert found["iam_roles"].missing is None
    assert found["event_rules"].missing == 6 + 1


def test_functions_that_are_busy_at_once(config: Config) -> None:
    """Of the tenants, those of one: a new account runs ten functions at once, and takes a whole config in one deployment."""
    found = needs(config, config.cell("eu"), config.tenants, {"eu": NOTHING})["concurrent_executions"]
    assert (found.total, found.missing) == (10, 10)
    later = needs(config, config.cell("eu"), config.tenants, {"eu": {"Cell-eu", "Tenant-acme"}})[
        "concurrent_executions"
    ]
    assert (later.total, later.missing) == (10, 5)


CONTROL = "quotas: {concurrent_executions: 13}, control: {issuer: 'https://login.acme.example', audience: mail}"


def test_a_settings_api_is_a_stack_of_its_own(tmp_path: Path) -> None:
    """What it takes is missing as long as its stack is, though its cell is deployed; its customers' queue as well."""
    config = config_of(tmp_path, f"cells: {{eu: {{region: eu-central-1, {CONTROL}}}}}\ntenants: []\n")
    cell = config.cell("eu")
    asked = ("iam_roles", "alarms", "tables", "concurrent_executions", "api_requests", "api_domains")
    nothing, half, all_ = (
        needs(config, cell, [], {"eu": frozenset(made)}) for made in ([], ["Cell-eu"], ["Cell-eu", "Control-eu"])
    )
    known = [name for name in asked if name in SOURCES]
    assert {name: (nothing[name].total, nothing[name].missing) for name in known} == {
        "iam_roles": (15, 15),
        "tables": (1, 1),
        "concurrent_executions": (13, 13),
        "api_requests": (50, 50),
        "api_domains": (0, 0),
    }
    assert [half[name].missing for name in known] == [6, 1, 8, 50, 0]
    assert [all_[name].missing for name in known] == [0] * 5


@pytest.mark.parametrize("control", ["", f", {CONTROL}"])
def test_a_deployment_needs_what_validate_counts(tmp_path: Path, control: str) -> None:
    """Quota by quota, of all tenants, where nothing is deployed yet: none is added up here that is not added up there."""
    config = config_of(tmp_path, CONFIG.replace('"111111111111"}', f'"111111111111"{control}}}', 1))
    made = {"eu": NOTHING, "us": NOTHING, "far": NOTHING}
    for cell in config.cells:
        counted = {one.name: one.used for one in quota_usage(config, cell.id)}
        found = needs(config, cell, config.tenants, made)
        assert {name: need.total for name, need in found.items()} == {name: counted[name] for name in found}
        assert all(need.missing == need.total for need in found.values())


def test_memory(config: Config) -> None:
    """The largest function decides, not their sum."""
    cell = config.cell("eu")
    assert memory_needed(cell, config.tenants) == memory_needed(cell, []) == cell_needs(cell)["function_memory_mib"]


def test_every_quota_is_asked_or_known_not_to_be() -> None:
    """A new quota of the config has a source, or stands here with those of which no API tells the value."""
    silent = {"receipt_rules", "identities", "alarms", "log_groups", "http_apis", "function_memory_mib"}
    assert set(QUOTAS) - set(SOURCES) == silent
    assert set(SOURCES) <= set(QUOTAS)
    for name in SOURCES:
        assert (SOURCES[name].account_wide, SOURCES[name].raisable) == (
            QUOTAS[name].account_wide,
            QUOTAS[name].raisable,
        )
    assert len({(one.service, one.code) for one in SOURCES.values()}) == len(SOURCES)
