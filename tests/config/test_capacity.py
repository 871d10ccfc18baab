"""Capacity of a cell and an account."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructs_lib.limits import MOST_BOOK_BYTES, book_bytes
from email_stack.config import Cell, Config, ConfigError, Quotas, QuotaUsage, Tenant, quota_usage
from email_stack.config.capacity import cell_needs, quota_faults
from email_stack.config.problems import Fault
from email_stack.config.quotas import QUOTAS, default_limit
from email_stack.config.regions import RECEIVING_REGIONS
from mailroom.addresses import AddressBook, DesignatedAddress
from tests.config.configs import config_of, lines_of, with_tenant


def _many(count: int, settings: str = "", quotas: str = "") -> str:
    cells = f"cells:\n  eu:\n    region: eu-central-1\n    quotas: {{{quotas}}}\ntenants:\n"
    return cells + "".join(f"  - {{id: t{n}x, subdomain: post.t{n}.example{settings}}}\n" for n in range(count))


@pytest.mark.parametrize(
    ("fits", "settings", "quotas", "quota"),
    [
        (198, "", "", "receipt_rules"),
        (9, ", addresses: [a, b, c]", "receipt_rules: 20, recipients_per_rule: 3", "receipt_rules"),
        (3, ", role_addresses: []", "hosted_zones: 3", "hosted_zones"),
        (3, "", "identities: 3", "identities"),
        (3, "", "configuration_sets: 3", "configuration_sets"),
        (3, "", "ses_tenants: 3", "ses_tenants"),
        (3, "", "buckets: 5", "buckets"),
        (3, "", "stacks: 4", "stacks"),
        (3, "", "iam_roles: 12", "iam_roles"),
        (3, ", scanning: dedicated", "iam_roles: 15", "iam_roles"),
        (3, "", "alarms: 20", "alarms"),
        (3, ", scanning: dedicated", "alarms: 38", "alarms"),
        (3, "", "tables: 3", "tables"),
        (3, "", "code_storage_mib: 22", "code_storage_mib"),
        (3, "", "topics: 5", "topics"),
        (3, ", scanning: dedicated", "topics: 8", "topics"),
        (3, ", alerts: [a@x.example, b@x.example]", "pending_subscriptions: 7", "pending_subscriptions"),
        (3, "", "log_groups: 9", "log_groups"),
    ],
)
def test_a_cell_holds_what_its_quotas_allow(tmp_path: Path, fits: int, settings: str, quotas: str, quota: str) -> None:
    """Exactly as many tenants as fit, and not one more."""
    config_of(tmp_path, _many(fits, settings, quotas))
    (line,) = lines_of(tmp_path, _many(fits + 1, settings, quotas))
    column = 14 + quotas.index(quota) if quotas else 5
    assert line.startswith(f'tenants.yaml:4:{column}: cell "eu": quotas.{quota} must cover the tenants: ')
    assert (
        f" usable{' (2 are kept spare)' if quota == 'receipt_rules' else ''}, {fits} of {fits + 1} tenants fit; "
        in line
    )
    granted = f" and write what AWS granted as quotas.{quota} of this cell"
    assert line.endswith(granted if QUOTAS[quota].raisable else ", as AWS does not raise this quota")


def test_quota_usage_counts_what_the_config_takes(tmp_path: Path) -> None:
    """Roles, zones and buckets by account, all else by cell; a tenant without recipients takes no rule."""
    text = (
        "cells: {eu: {region: eu-west-1, quotas: {recipients_per_rule: 2}}, us: {region: us-east-1}}\ntenants:\n"
        "  - {id: one, cell: eu, subdomain: a.one.example, addresses: [x, y, z]}\n"
        "  - {id: two, cell: eu, subdomain: a.two.example, catch_all: true, addresses: [x, y, z], dns: self-managed}\n"
        "  - {id: three, cell: eu, subdomain: a.three.example, role_addresses: []}\n"
        "  - id: four\n    cell: us\n    subdomain: a.four.example\n"
        "    parent_zone: {hosted_zone_id: Z1, zone_name: four.example, "
        "delegation_role_arn: 'arn:aws:iam::123456789012:role/dns'}\n"
    )
    config = config_of(tmp_path, text)
    assert {usage.name: usage.used for usage in quota_usage(config, "eu")} == {
        "receipt_rules": 3 + 1,
        "event_rules": 6,
        "identities": 3,
        "configuration_sets": 3,
        "ses_tenants": 3,
        "hosted_zones": 3,
        "buckets": 4 + 2 * 2,
        "stacks": 3 + 1,
        "iam_roles": 4 * 1 + 1 + 2 * 9,
        "alarms": 3 * 2 + 13,
        "tables": 3,
        "code_storage_mib": 3 * 3 + 13,
        "function_memory_mib": 3008,
        "concurrent_executions": 5 + 5,
        "topics": 3 + 2,
        "pending_subscriptions": 0,
        "log_groups": 3 * 1 + 6,
        "kms_keys": 1,
        "http_apis": 0,
        "api_domains": 0,
        "api_requests": 0,
    }
    us = quota_usage(config, "us")
    assert QuotaUsage("stacks", 3, 2000) in us
    assert QuotaUsage("receipt_rules", 1, 198) in us
    with pytest.raises(ConfigError, match='cell "usa": is not in this config; did you mean "us"'):
        quota_usage(config, "usa")


def _cells(count: int, *cells: str) -> str:
    """So many tenants in each of the cells."""
    listed = "".join(f"  c{index}: {{{cell}}}\n" for index, cell in enumerate(cells))
    tenants = "".join(
        f"  - {{id: t{index}x{n}, cell: c{index}, subdomain: post.t{index}x{n}.example}}\n"
        for index in range(len(cells))
        for n in range(count)
    )
    return f"cells:\n{listed}tenants:\n{tenants}"


def test_roles_add_up_over_the_regions_of_an_account(tmp_path: Path) -> None:
    """IAM takes 1,000 roles an account: two cells of 198 tenants need 414, and with scanners of their own 810."""
    zones = "quotas: {hosted_zones: 500}"
    text = _cells(
        198,
        f'region: eu-west-1, account: "111111111111", {zones}',
        'region: us-east-1, account: "111111111111"',
    )
    assert QuotaUsage("iam_roles", 414, 1000) in quota_usage(config_of(tmp_path, text), "c0")
    fewer = text.replace("hosted_zones: 500", "hosted_zones: 500, iam_roles: 413")
    assert lines_of(tmp_path, fewer) == [
        'tenants.yaml:2:80: cell "c0": quotas.iam_roles must cover the tenants: 414 IAM roles needed in account 111111111111, all '
        "regions together, 413 usable, 395 of 396 tenants fit; move tenants to another account, or ask for more in Service Quotas "
        "(AWS Identity and Access Management (IAM), us-east-1) and write what AWS granted as quotas.iam_roles of this cell"
    ]
    config_of(tmp_path, fewer.replace('us-east-1, account: "111111111111"', 'us-east-1, account: "222222222222"'))
    assert len(lines_of(tmp_path, fewer.replace(', account: "111111111111"', ""))) == 1


@pytest.mark.parametrize("region", ["af-south-1", "eu-south-1", "eu-central-1"])
def test_event_rules_are_the_cells_alone(tmp_path: Path, region: str) -> None:
    """EventBridge takes 100 rules on a bus in two regions, 300 elsewhere; a cell takes six, however many tenants it has."""
    config = config_of(tmp_path, _cells(198, f"region: {region}"))
    assert QuotaUsage("event_rules", 6, default_limit("event_rules", region)) in quota_usage(config, "c0")
    (line,) = lines_of(tmp_path, _cells(1, f"region: {region}, quotas: {{event_rules: 5}}"))
    assert "6 EventBridge rules needed" in line


def test_a_region_has_the_default_unless_it_is_written(tmp_path: Path) -> None:
    """null is not written; the number 300 is, also where the default is lower."""
    assert {default_limit("event_rules", region) for region in RECEIVING_REGIONS} == {100, 300}
    for written, limit in (("null", 100), ("300", 300), ("99", 99)):
        config = config_of(tmp_path, _cells(1, f"region: af-south-1, quotas: {{event_rules: {written}}}"))
        assert QuotaUsage("event_rules", 6, limit) in quota_usage(config, "c0")


def test_an_accounts_quota_may_stand_at_any_of_its_cells(tmp_path: Path) -> None:
    """It is one quota: what is raised counts for all of them, and what does not suffice is told once, where it is written."""
    account = 'account: "111111111111"'
    first, second = f"region: eu-west-1, {account}", f"region: us-east-1, {account}, quotas: {{hosted_zones: %s}}"
    config = config_of(tmp_path, _cells(3, first, second % 6))
    for cell in ("c0", "c1"):
        assert QuotaUsage("hosted_zones", 6, 6) in quota_usage(config, cell)
    (line,) = lines_of(tmp_path, _cells(3, first, second % 5))
    assert line.startswith(
        'tenants.yaml:3:61: cell "c1": quotas.hosted_zones must cover the tenants: 6 hosted zones needed in '
    )
    assert "5 of 6 tenants fit" in line


def _some(count: int, cell: str) -> str:
    """So many tenants, or none, in a cell."""
    return _cells(count, cell) if count else _cells(0, cell).replace("tenants:", "tenants: []")


CONTROL = "control: {issuer: 'https://login.acme.example', audience: mail}"


@pytest.mark.parametrize("tenants", [0, 2])
def test_a_settings_api_takes_more_than_a_new_account(tmp_path: Path, tenants: int) -> None:
    """Three functions beside the scanner, and a customer's queue, which no config lists and which counts once with those listed."""
    cell = f"region: eu-west-1, {CONTROL}"
    (line,) = lines_of(tmp_path, _some(tenants, cell))
    assert "13 concurrent executions needed in eu-west-1 of the account of the credentials, 10 usable" in line
    config = config_of(tmp_path, _some(tenants, f"{cell}, quotas: {{concurrent_executions: 13}}"))
    usage = {one.name: (one.used, one.limit) for one in quota_usage(config, "c0")}
    assert (usage["concurrent_executions"], usage["api_requests"]) == ((13, 13), (50, 10_000))


def test_api_gateway_takes_fewer_requests_in_some_regions(tmp_path: Path) -> None:
    """2,500 a second, of which a settings API takes 50."""
    assert {default_limit("api_requests", region) for region in RECEIVING_REGIONS} == {2500, 10_000}
    quotas = "quotas: {concurrent_executions: 13, api_requests: 49}"
    (line,) = lines_of(tmp_path, _some(0, f"region: af-south-1, {CONTROL}, {quotas}"))
    assert "50 requests a second to APIs needed" in line


def test_a_new_account_is_enough(tmp_path: Path) -> None:
    """3,008 MB a function, and 10 functions at once: what is there by default, and of which the default takes no more."""
    config = config_of(tmp_path, _cells(2, "region: eu-west-1"))
    assert QuotaUsage("function_memory_mib", 3008, 3008) in quota_usage(config, "c0")
    assert QuotaUsage("concurrent_executions", 10, 10) in quota_usage(config, "c0")
    own = config_of(tmp_path, with_tenant("scanning: dedicated"))
    assert QuotaUsage("concurrent_executions", 10, 10) in quota_usage(own, own.cells[0].id)


@pytest.mark.parametrize("memory", [3009, 4096, 10_240])
def test_more_memory_than_the_quota_is_told_before_it_is_deployed(tmp_path: Path, memory: int) -> None:
    """Lambda would refuse the function, and the cell would be rolled back."""
    (line,) = lines_of(tmp_path, _cells(2, f"region: eu-west-1, scanner: {{memory_mib: {memory}}}"))
    assert f"{memory} MiB of memory for one function needed in eu-west-1" in line
    assert "3008 usable, 0 of 2 tenants fit; lower scanner.memory_mib of this cell, move tenants" in line
    granted = f"quotas: {{function_memory_mib: {memory}}}"
    config_of(tmp_path, _cells(2, f"region: eu-west-1, scanner: {{memory_mib: {memory}}}, {granted}"))


def test_less_memory_than_the_mirror_needs_is_told(tmp_path: Path) -> None:
    """The mirror loads the definitions as well, and takes what it takes."""
    (line,) = lines_of(
        tmp_path, _cells(2, "region: eu-west-1, scanner: {memory_mib: 2048}, quotas: {function_memory_mib: 2048}")
    )
    assert "3008 MiB of memory for one function needed" in line


@pytest.mark.parametrize("concurrency", [6, 10, 40])
def test_a_scanner_that_leaves_no_room_is_told(tmp_path: Path, concurrency: int) -> None:
    """Beside it, one of a tenant's functions must be able to do all that it may; else it waits for mail to be scanned."""
    scanner = f"scanner: {{max_concurrency: {concurrency}}}"
    (line,) = lines_of(tmp_path, _cells(2, f"region: eu-west-1, {scanner}"))
    assert (
        f"{concurrency + 5} concurrent executions needed in eu-west-1 of the account of the credentials, 10 usable"
        in line
    )
    assert "lower scanner.max_concurrency of this cell" in line
    config_of(tmp_path, _cells(2, f"region: eu-west-1, {scanner}, quotas: {{concurrent_executions: 1000}}"))


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("memory_mib: 2047", "scanner.memory_mib"),
        ("memory_mib: 10241", "scanner.memory_mib"),
        ("max_concurrency: 1", "scanner.max_concurrency"),
        ("max_concurrency: 1001", "scanner.max_concurrency"),
        ("memory: 3008", "scanner"),
    ],
)
def test_a_scanner_that_lambda_refuses(tmp_path: Path, setting: str, problem: str) -> None:
    """What AWS takes and ClamAV needs, with the place."""
    (line,) = lines_of(tmp_path, _cells(1, f"region: eu-west-1, scanner: {{{setting}}}"))
    assert line.startswith("tenants.yaml:2:")
    assert problem in line


TENANTS = st.lists(
    st.fixed_dictionaries(
        {
            "cell": st.sampled_from(["c0", "c1", "c2"]),
            "dns": st.sampled_from(["delegated", "self-managed"]),
            "n": st.integers(0, 5),
        }
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(TENANTS, st.sampled_from(sorted(QUOTAS)), st.integers(1, 60))
def test_a_fault_is_a_usage_beyond_its_limit(listed: list[dict[str, object]], name: str, limit: int) -> None:
    """Both count alike, and as many tenants fit as said: with one more, the quota does not suffice."""
    quotas = Quotas(**{name: max(limit, 128) if name == "function_memory_mib" else limit})
    cells = [
        Cell(id="c0", region="eu-west-1", quotas=quotas),
        Cell(id="c1", region="eu-west-2"),
        Cell(id="c2", region="eu-west-1", account="111111111111", quotas=quotas),
    ]
    tenants = [
        Tenant(
            id=f"t{number}x",
            subdomain=f"post.t{number}.example",
            cell=str(one["cell"]),
            dns=one["dns"],  # type: ignore[arg-type]
            alerts=tuple(f"a{index}@x.example" for index in range(int(str(one["n"])))),
        )
        for number, one in enumerate(listed)
    ]
    by_id = {cell.id: cell for cell in cells}
    told = _told(cells, tenants)
    for cell in cells:
        shared = [one for one in cells if one is cell or (QUOTAS[name].account_wide and one.account == cell.account)]
        (usage,) = (one for one in quota_usage(Config(tuple(cells), tuple(tenants)), cell.id) if one.name == name)
        fault = told.get((shared[0].id, name))
        assert (fault is not None) is (usage.used > usage.limit)
        if fault is not None:
            own = [tenant for tenant in tenants if by_id[tenant.cell] in shared]
            fit = int(fault.message.rpartition(", ")[2].split()[0])
            assert fit == 0 or (shared[0].id, name) not in _told(cells, own[:fit])
            assert (shared[0].id, name) in _told(cells, own[: fit + 1])


def _told(cells: list[Cell], tenants: list[Tenant]) -> dict[tuple[str, str], Fault]:
    return {(cell, str(fault.path[1])): fault for cell, fault in quota_faults(cells, tenants)}


def _addresses(count: int, settings: str = "") -> str:
    listed = ", ".join(f"{{local_part: branch-{number:04}{settings}}}" for number in range(count))
    return with_tenant(f"addresses: [{listed}]")


def test_a_role_lets_only_so_many_addresses_send(tmp_path: Path) -> None:
    """250 of 29 characters, each with quotes and comma; those that only receive do not count."""
    (line,) = lines_of(tmp_path, _addresses(251))
    assert line == (
        'tenants.yaml:6:5: tenant "acme": addresses must let addresses of at most 8,000 characters in all send (the policies of a '
        "role hold no more), are 8,032; set send: false where nothing is sent from"
    )
    config_of(tmp_path, _addresses(250))
    config_of(tmp_path, _addresses(251, ", send: false"))


def test_an_address_book_holds_only_so_many_addresses(tmp_path: Path) -> None:
    """What a template holds beside all else is counted, names with it."""
    settings = f", send: false, display_name: {'x' * 100}"
    quotas = "quotas: {receipt_rules: 2000}"
    text = _addresses(800, settings).replace("region: eu-central-1", f"region: eu-central-1, {quotas}")
    config_of(tmp_path, text)
    (line,) = lines_of(
        tmp_path, _addresses(900, settings).replace("region: eu-central-1", f"region: eu-central-1, {quotas}")
    )
    assert (
        "addresses must be an address book of at most 204,800 bytes (a template has no more room for it), is " in line
    )
    assert line.endswith("; designate fewer, or receive at all with catch_all")


def test_the_longest_addresses_fit_a_book_that_is_not_measured(tmp_path: Path) -> None:
    """So that most configs are checked without AWS's SDK."""
    label = "a" * 60
    subdomain = f"{label}.{label}.{label}.example.com"
    name = "\\" * 128
    addresses = [DesignatedAddress(f"{number:064}@{subdomain}"[-254:], name) for number in range(200)]
    assert book_bytes(AddressBook(subdomain=subdomain, addresses=tuple(addresses))) < MOST_BOOK_BYTES
    wide = [DesignatedAddress(one.address, "\U0001f4e7" * 128) for one in addresses]
    assert book_bytes(AddressBook(subdomain=subdomain, addresses=tuple(wide))) < MOST_BOOK_BYTES


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("https://clamav.mirror.example", True),
        ("https://mirror.example:8443", True),
        ("http://mirror.example", False),
        ("https://mirror.example/clamav", False),
        ("https://mirror.example\\nDatabaseCustomURL file:///etc/passwd", False),
        ("https://user@mirror.example", False),
        ("", False),
    ],
)
def test_second_source_of_definitions(tmp_path: Path, source: str, taken: bool) -> None:
    """A URL of host and port alone, which stands in freshclam's configuration; the alarm that tells of it is counted."""
    text = _many(1).replace("    quotas: {}", f'    scanner: {{definitions_source: "{source}"}}', 1)
    if not taken:
        assert any("scanner.definitions_source" in line for line in lines_of(tmp_path, text))
        return
    cell = config_of(tmp_path, text).cells[0]
    assert cell.scanner.definitions_source == source
    assert (
        cell_needs(cell)["alarms"]
        == cell_needs(cell.model_copy(update={"scanner": type(cell.scanner)()}))["alarms"] + 1
    )
