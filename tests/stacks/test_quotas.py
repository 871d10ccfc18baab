"""The count of each quota by `validate` equals that of the templates."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from constructs_lib.bundle import bundle
from email_stack.config import Config, Quotas, load
from email_stack.config.capacity import cell_needs, tenant_needs
from email_stack.config.quotas import QUOTAS
from email_stack.costs.idle import idle_items
from tests.stacks.conftest import synthesized

COUNTED: Final = {
    "AWS::ApiGatewayV2::Api": "http_apis",
    "AWS::ApiGatewayV2::DomainName": "api_domains",
    "AWS::CloudWatch::Alarm": "alarms",
    "AWS::DynamoDB::Table": "tables",
    "AWS::Events::Rule": "event_rules",
    "AWS::IAM::Role": "iam_roles",
    "AWS::KMS::Key": "kms_keys",
    "AWS::Logs::LogGroup": "log_groups",
    "AWS::Route53::HostedZone": "hosted_zones",
    "AWS::S3::Bucket": "buckets",
    "AWS::SES::ConfigurationSet": "configuration_sets",
    "AWS::SES::EmailIdentity": "identities",
    "AWS::SES::ReceiptRule": "receipt_rules",
    "AWS::SES::Tenant": "ses_tenants",
    "AWS::SNS::Subscription": "pending_subscriptions",
    "AWS::SNS::Topic": "topics",
}
OF_CONTROL: Final = {"api_domains", "api_requests", "http_apis"}
"""Quotas of a settings API alone: `tests/stacks/test_control_stack.py` counts them."""
OF_FUNCTIONS: Final = {"code_storage_mib", "concurrent_executions", "function_memory_mib"}
BY_STACK: Final = {"stacks"}

UNCOUNTED: Final = {
    "AWS::IAM::Policy": "part of its role: a quota of characters, which `send_statements` keeps",
    "AWS::Lambda::EventInvokeConfig": "part of its function",
    "AWS::Lambda::EventSourceMapping": "Lambda's quotas name no number of them: their maximum concurrency is counted",
    "AWS::Lambda::Function": "no quota on their number: their code and their memory are counted",
    "AWS::Lambda::Permission": "part of its function",
    "AWS::Route53::RecordSet": "10,000 a zone: one a tenant, in its parent zone",
    "AWS::Route53::RecordSetGroup": "10,000 records a zone: some 15 in the tenant's own",
    "AWS::S3::BucketPolicy": "part of its bucket",
    "AWS::SES::ConfigurationSetEventDestination": "10 a configuration set, which has one",
    "AWS::SES::ReceiptRuleSet": "40 a region: a cell has one, and a region of an account one cell",
    "AWS::SSM::Parameter": "10,000 standard ones a region: one a tenant, as it has configuration sets",
    "AWS::SNS::TopicPolicy": "part of its topic",
    "AWS::SQS::Queue": "SQS has no quota on their number",
    "AWS::SQS::QueuePolicy": "part of its queue",
    "Custom::ActiveReceiptRuleSet": "no resource of AWS's",
    "Custom::CrossAccountZoneDelegation": "no resource of AWS's",
}


def _types(template: dict[str, Any]) -> Counter[str]:
    return Counter(resource["Type"] for resource in template["Resources"].values())


def _functions(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]


def _held(*templates: dict[str, Any]) -> dict[str, int]:
    """Use of each quota by some stacks, counted in their templates; zipped code by its size."""
    types = sum((_types(template) for template in templates), Counter[str]())
    held = {quota: types[type_] for type_, quota in COUNTED.items()}
    held["pending_subscriptions"] = sum(map(_to_confirm, templates))
    functions = [function for template in templates for function in _functions(template)]
    return {
        **held,
        "stacks": len(templates),
        "functions of zipped code": sum("S3Key" in function["Code"] for function in functions),
        "function_memory_mib": max(function.get("MemorySize", 128) for function in functions),
        "concurrent_executions": max(_concurrency(template) for template in templates),
    }


def _concurrency(template: dict[str, Any]) -> int:
    """The most that one queue of a stack has run at once; every queue says how much that is."""
    mappings = [one for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    return max((one["Properties"]["ScalingConfig"]["MaximumConcurrency"] for one in mappings), default=0)


def _to_confirm(template: dict[str, Any]) -> int:
    """Subscriptions that somebody must confirm: those of queues of the same account confirm themselves."""
    found = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::SNS::Subscription"]
    return sum(one["Protocol"] != "sqs" for one in found)


def _said(needs: dict[str, int]) -> dict[str, int]:
    return {quota: needs.get(quota, 0) for quota in QUOTAS if quota not in OF_FUNCTIONS | OF_CONTROL}


def test_every_resource_counts_or_says_why_not(templates: dict[str, Any]) -> None:
    """A new kind of resource is counted here, or has a reason; a reason without resource goes."""
    types = {type_ for template in templates.values() for type_ in _types(template)}
    counted = {type_ for type_, quota in COUNTED.items() if quota not in OF_CONTROL}
    assert types == counted | UNCOUNTED.keys()
    assert not COUNTED.keys() & UNCOUNTED.keys()


def test_every_resource_has_a_price_or_is_free(templates: dict[str, Any]) -> None:
    """Of every kind of tenant, with scanners of their own; docs/cost.md leaves nothing out."""
    costs = {
        stack: idle_items(template) for stack, template in templates.items() if stack.startswith(("Tenant", "Cell"))
    }
    assert all(costs.values())


def test_every_quota_is_counted() -> None:
    """The config's quotas are those of the resources, of functions, and of stacks; but for what one rule holds."""
    assert set(COUNTED.values()) | OF_CONTROL | OF_FUNCTIONS | BY_STACK == QUOTAS.keys()
    assert Quotas.model_fields.keys() - QUOTAS.keys() == {"recipients_per_rule", "state_machines"}


@pytest.mark.parametrize("tenant_id", ["shortest", "selfmanaged", "everything", "elsewhere", "sendonly"])
def test_tenant_takes_what_is_counted(tenant_id: str, config: Config, templates: dict[str, Any]) -> None:
    """Of every kind of tenant, with its stack of delegation."""
    tenant = config.tenant(tenant_id)
    needs = tenant_needs(tenant, config.cell(tenant.cell))
    held = _held(
        *(templates[f"{kind}-{tenant_id}"] for kind in ("Tenant", "Delegation") if f"{kind}-{tenant_id}" in templates)
    )
    assert _said(needs) == {quota: held[quota] for quota in _said(needs)}
    cell_memory = cell_needs(config.cell(tenant.cell))["function_memory_mib"]
    assert held["function_memory_mib"] <= max(needs.get("function_memory_mib", 0), cell_memory)
    assert needs["concurrent_executions"] == held["concurrent_executions"]


@pytest.mark.parametrize("cell_id", ["eu", "us"])
def test_cell_takes_what_is_counted(cell_id: str, config: Config, templates: dict[str, Any]) -> None:
    """Before any tenant is in it."""
    needs = cell_needs(config.cell(cell_id))
    held = _held(templates[f"Cell-{cell_id}"])
    assert _said(needs) == {quota: held[quota] for quota in _said(needs)}
    assert needs["function_memory_mib"] == held["function_memory_mib"]
    assert needs["concurrent_executions"] == held["concurrent_executions"]


def test_every_function_fits_its_cells_quota(config: Config, templates: dict[str, Any]) -> None:
    """Of every stack: Lambda refuses more memory than the account has, and the stack is rolled back."""
    cells = {f"Cell-{cell.id}": cell for cell in config.cells}
    cells |= {f"{kind}-{one.id}": config.cell(one.cell) for one in config.tenants for kind in ("Tenant", "Delegation")}
    sizes = {
        (stack, function["MemorySize"]): cells[stack].quotas.function_memory_mib
        for stack, template in templates.items()
        for function in _functions(template)
        if "MemorySize" in function
    }
    assert ("Cell-eu", 3008) in sizes
    assert all(size <= quota == 3008 for (_, size), quota in sizes.items())


def test_cells_settings_reach_every_scanner(tmp_path: Path) -> None:
    """The shared one, and a tenant's own."""
    text = (
        "cells: {eu: {region: eu-central-1, scanner: {memory_mib: 4096, max_concurrency: 40},"
        " quotas: {function_memory_mib: 10240, concurrent_executions: 1000}}}\n"
        "tenants: [{id: acme, subdomain: post.acme.example, scanning: dedicated}]\n"
    )
    (tmp_path / "tenants.yaml").write_text(text)
    assembly = synthesized(load(tmp_path / "tenants.yaml"), tmp_path / "out")
    for stack in ("Cell-eu", "Tenant-acme"):
        held = _held(json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8")))
        assert (held["function_memory_mib"], held["concurrent_executions"]) == (4096, 40)


def _zipped_mib(folder: Path) -> float:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return len(written.getvalue()) / 2**20


def test_code_is_no_larger_than_counted(config: Config, templates: dict[str, Any], assembly: Path) -> None:
    """The bundle of a tenant's function and of the four of a cell, and what else is zipped of a cell and of a delegation."""
    tenant = config.tenant("elsewhere")
    cell = config.cell(tenant.cell)
    own = tenant_needs(tenant, cell)["code_storage_mib"]
    functions = _held(templates["Tenant-elsewhere"])["functions of zipped code"]
    delegation = own - tenant_needs(config.tenant("shortest"), cell)["code_storage_mib"]
    assert functions * _zipped_mib(bundle("mailroom.functions.ingest")) <= own - delegation
    small = [path for path in assembly.glob("asset.*") if path.is_dir() and not (path / "mailroom").exists()]
    sizes = {path: _zipped_mib(path) for path in small if not (path / "image").exists()}
    assert sizes
    assert max(sizes.values()) <= delegation
    handlers = [str(one.get("Handler")) for one in _functions(templates["Cell-eu"])]
    shared = [handler.rpartition(".")[0] for handler in handlers if handler.startswith("mailroom.")]
    assert len(shared) == 4
    assert (
        sum(_zipped_mib(bundle(entry)) for entry in shared) + max(sizes.values())
        <= cell_needs(cell)["code_storage_mib"]
    )
