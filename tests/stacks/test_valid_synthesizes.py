"""A config that `validate` accepts synthesizes, and CloudFormation, IAM and S3 accept its templates."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from constructs_lib.limits import MOST_BOOK_BYTES, book_bytes, most_sender_characters
from email_stack.config import Cell, ConfigError, Quotas, Tenant, load
from email_stack.config.values import Settings
from email_stack.synthesis.app import project_context, synthesize
from email_stack.synthesis.sharding import Shard
from mailroom.addresses import AddressBook, DesignatedAddress
from tests.config.configs import lines_of, problems_if_any
from tests.stacks.packed import KEYS, ROOMY, configs
from tests.templates import UNSTAGED

pytestmark = pytest.mark.slow

PLACEHOLDER: Final = "x" * 100
"""As long as what a reference becomes at most: an ARN of a role, a bucket, a function."""

REGION: Final = "ap-southeast-3"
ACCOUNT: Final = "123456789012"
ARNS: Final = {
    "AWS::DynamoDB::Table": (f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/", 255),
    "AWS::Logs::LogGroup": (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:", 512),
    "AWS::SES::ConfigurationSet": ("", 64),
    "AWS::SQS::Queue": (f"arn:aws:sqs:{REGION}:{ACCOUNT}:", 80),
}
"""What stands before the name that CloudFormation makes of stack, logical id and 13 letters, and how long that may be."""

SHORT: Final = [f"a{number:04}" for number in range(3000)]
LONGEST_ID: Final = "x6" + "x" * 30
LONGEST_SUBDOMAIN: Final = ".".join(["m" * 63] * 3 + ["x7", "example"])


def _senders(subdomain: str, *, encrypted: bool) -> int:
    return most_sender_characters(subdomain, encrypted=encrypted) // (len(f"a0000@{subdomain}") + 3)


QUOTES: Final = '"' * 128
"""A name that JSON writes twice as long."""


def _book(count: int) -> int:
    named = tuple(DesignatedAddress(f"{name}@post.x4.example", QUOTES, sends=False) for name in SHORT[:count])
    return book_bytes(AddressBook(subdomain="post.x4.example", addresses=named, catch_all=True))


NAMED: Final = 1 + (MOST_BOOK_BYTES - _book(1)) // (_book(2) - _book(1))
REPORTED: Final = (4_000 - len("v=DMARC1; p=quarantine; rua=")) // len(f"mailto:{'r' * 60}00@x.example,")


def synthesized(config: dict[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Templates by stack name, of a config that `validate` takes; each no bigger than CloudFormation's limit."""
    file = folder / "tenants.yaml"
    file.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    loaded = load(file)
    outdir = folder / "cdk.out"
    tenants = tuple(tenant.id for tenant in loaded.tenants)
    cells = tuple(cell.id for cell in loaded.cells)
    synthesize(
        Shard(config=loaded, tenants=tenants, cells=cells, outdir=outdir, context={**project_context(), **UNSTAGED})
    )
    found = {}
    for path in outdir.glob("*.template.json"):
        assert path.stat().st_size <= 1_000_000, path.name
        found[path.name.removesuffix(".template.json")] = json.loads(path.read_text(encoding="utf-8"))
    return found


def resolved(value: Any, template: dict[str, Any], stack: str) -> Any:
    """A part of a template with something as long as its values in place of references."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(resolved(part, template, stack) for part in parts)
        case {"Ref": str(name)} if name.startswith("AWS::"):
            return {"AWS::Partition": "aws", "AWS::Region": REGION}.get(name, ACCOUNT)
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} | {"Fn::ImportValue": name}:
            return physical(template["Resources"].get(str(name), {}), f"{stack}-{name}")
        case dict():
            return {key: resolved(one, template, stack) for key, one in value.items()}
        case list():
            return [resolved(one, template, stack) for one in value]
    return value


def physical(resource: dict[str, Any], name: str) -> str:
    """The name or ARN of a resource: its own where the template says it, else as long as CloudFormation's is."""
    if resource.get("Type") == "AWS::SES::EmailIdentity":
        return str(resource["Properties"]["EmailIdentity"])
    if resource.get("Type") in ARNS:
        before, most = ARNS[resource["Type"]]
        return before + f"{name}-{'X' * 13}"[:most] + (":*" if resource["Type"] == "AWS::Logs::LogGroup" else "")
    return PLACEHOLDER


def size(document: Any, template: dict[str, Any], stack: str) -> int:
    """Octets of a policy, as AWS counts them: without blanks."""
    return len(json.dumps(resolved(document, template, stack), separators=(",", ":"), ensure_ascii=False).encode())


def inline(logical_id: str, template: dict[str, Any], stack: str) -> int:
    """Octets of all inline policies of a role: its own, and those that stand beside it."""
    resources = template["Resources"]
    own = [one["PolicyDocument"] for one in resources[logical_id]["Properties"].get("Policies", ())]
    beside = [
        one["Properties"]["PolicyDocument"]
        for one in resources.values()
        if one["Type"] == "AWS::IAM::Policy" and {"Ref": logical_id} in one["Properties"]["Roles"]
    ]
    return sum(size(one, template, stack) for one in (*own, *beside))


def check(templates: dict[str, dict[str, Any]]) -> None:
    """Each template within what AWS takes: resources, policies, definitions, records, recipients, names."""
    for name, template in templates.items():
        resources = template["Resources"]
        assert len(resources) <= 500, name
        assert len(template.get("Outputs", {})) <= 200, name
        for logical_id, resource in resources.items():
            properties = resource.get("Properties", {})
            match resource["Type"]:
                case "AWS::IAM::Role":
                    assert inline(logical_id, template, name) <= 10_240, name
                case "AWS::S3::BucketPolicy":
                    assert size(properties["PolicyDocument"], template, name) <= 20 * 1024, name
                case "AWS::SSM::Parameter":
                    assert len(resolved(properties["Value"], template, name)) <= 4_096, name
                case "AWS::DynamoDB::Table" if "ResourcePolicy" in properties:
                    assert size(properties["ResourcePolicy"]["PolicyDocument"], template, name) <= 20 * 1024, name
                case "AWS::SES::ReceiptRule":
                    assert 1 <= len(properties["Rule"]["Recipients"]) <= 500, name
                case "AWS::Events::Rule" if "EventPattern" in properties:
                    assert size(properties["EventPattern"], template, name) <= 2_048, name


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(configs())
def test_what_is_valid_synthesizes(config: dict[str, Any]) -> None:
    """Or it is refused with places: nothing else happens to a config of any keys."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ConfigError):
        check(synthesized(config, Path(folder)))


def test_most_of_them_are_valid(tmp_path: Path) -> None:
    """The property is not empty."""
    taken: list[bool] = []

    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(configs())
    def draw(config: dict[str, Any]) -> None:
        taken.append(not problems_if_any(tmp_path, json.dumps(config, ensure_ascii=False)))

    draw()
    assert sum(taken) >= len(taken) // 2


def _keys(model: type[Settings]) -> set[str]:
    return set(model.model_fields)


def test_configs_have_every_key() -> None:
    """A key that is added to the schema is added to these configs."""
    drawn: dict[str, set[str]] = {"cell": {"id"}, "tenant": set(), "quotas": set()}

    @settings(max_examples=30, database=None, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None)
    @given(configs())
    def draw(config: dict[str, Any]) -> None:
        for cell in config["cells"].values():
            drawn["cell"] |= cell.keys()
            drawn["quotas"] |= cell["quotas"].keys()
        for tenant in config["tenants"]:
            drawn["tenant"] |= tenant.keys()
            for section in ("dmarc", "mta_sts", "tracking", "scanning", "retention", "portal", "parent_zone"):
                drawn.setdefault(section, set()).update(tenant.get(section, {}))
            for address in tenant.get("addresses", ()):
                drawn.setdefault("addresses", set()).update(address)

    draw()
    fields = {name: field.annotation for name, field in Tenant.model_fields.items()}
    assert drawn["tenant"] == set(fields)
    assert drawn["cell"] == _keys(Cell)
    assert drawn["quotas"] == _keys(Quotas)
    schema = json.loads((Path(__file__).parents[2] / "tenants.schema.json").read_text(encoding="utf-8"))["$defs"]
    for section, name in (
        ("dmarc", "Dmarc"),
        ("mta_sts", "MtaSts"),
        ("tracking", "Tracking"),
        ("scanning", "Scanning"),
        ("retention", "Retention"),
        ("portal", "Portal"),
        ("parent_zone", "ParentZone"),
        ("addresses", "Address"),
    ):
        assert drawn[section] == set(schema[name]["properties"]), section


def at_limit(more: int = 0) -> dict[str, Any]:
    """Tenants of which each is at one limit, or `more` beyond it."""

    def sends(count: int) -> list[dict[str, Any]]:
        return [{"local_part": name, "receive": False} for name in SHORT[:count]]

    def receives(count: int, shown: str = "") -> list[dict[str, Any]]:
        named = {"display_name": shown} if shown else {}
        return [{"local_part": name, "send": False, **named} for name in SHORT[:count]]

    rules = (
        (20 - 6)
        * 1024
        // len('"arn:aws:ses:ap-southeast-3:123456789012:receipt-rule-set/email-cell-eu:receipt-rule/x1-999",')
    )
    tenants: list[dict[str, Any]] = [
        {"addresses": sends(_senders("post.x0.example", encrypted=False) + more)},
        {"addresses": receives(rules + more)},
        {"alerts": [f"o{number}@x.example" for number in range(430 + more)]},
        {"dmarc": {"rua": [f"{'r' * 60}{number:02}@x.example" for number in range(REPORTED + more)]}},
        {"addresses": receives(NAMED + more, QUOTES), "catch_all": True},
        {"alerts": ["a/b@x.example", "a_b@x.example"], "join_threads_by": ["subject", "subject"]},
        {
            "id": LONGEST_ID,
            "addresses": sends(_senders("post.x6.example", encrypted=True) + more),
            "encryption": {"key_arn": KEYS["eu"]},
            "scanning": "dedicated",
        },
        {
            "subdomain": LONGEST_SUBDOMAIN,
            "addresses": sends(_senders(LONGEST_SUBDOMAIN, encrypted=False) + more),
        },
    ]
    return {
        "cells": {"eu": {"region": "eu-central-1", "quotas": {**ROOMY, "recipients_per_rule": 1}}},
        "tenants": [
            {"id": f"x{number}", "subdomain": f"post.x{number}.example", "role_addresses": [], **tenant}
            for number, tenant in enumerate(tenants)
        ],
    }


def test_at_every_limit_it_synthesizes(tmp_path: Path) -> None:
    """Senders, receipt rules, subscriptions, reports and the address book, each as many as `validate` takes."""
    check(synthesized(at_limit(), tmp_path))


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "addresses must let addresses of at most 8,000 characters in all send"),
        (1, "addresses must be received by at most "),
        (2, "alerts must need at most 430 receipt rules and subscriptions"),
        (3, "dmarc.rua must make a TXT record of at most 4,000 characters, makes "),
        (4, "addresses must be an address book of at most 204,800 bytes"),
        (6, "addresses must let addresses of at most 7,350 characters in all send"),
        (7, "addresses must let addresses of at most 7,836 characters in all send"),
    ],
)
def test_one_beyond_is_refused(number: int, told: str, tmp_path: Path) -> None:
    """With the place of the tenant that is too much, and what to do."""
    lines = lines_of(tmp_path, json.dumps(at_limit(1), indent=1))
    (line,) = [line for line in lines if f'tenant "x{number}' in line]
    assert told in line
    assert line.rpartition("; ")[2]
    assert len(lines) == 7
