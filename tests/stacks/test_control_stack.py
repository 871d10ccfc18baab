"""The stack of a cell's settings API: who may do what, what is kept, what tells; and no other template changes for it."""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from email_stack.config import Config, ConfigError, load, quota_usage
from email_stack.config.capacity import cell_needs, control_needs
from email_stack.config.platform import platform_of
from email_stack.config.snapshots import Snapshot
from email_stack.deploying.judge import Judge
from email_stack.stacks import add_stacks, new_app
from email_stack.synthesis.app import project_context
from email_stack.synthesis.toolchain import PROJECT_ROOT
from mailroom.metric_names import FAILED_DEPLOYMENTS, OLDEST_RUN, REFUSED_TEMPLATES
from tests.nag import nag_findings
from tests.stacks.test_quotas import COUNTED, UNCOUNTED

pytestmark = pytest.mark.slow

CONTROL = "{issuer: 'https://login.acme.example', audience: mail}"
CELL = "cells:\n  eu: {region: eu-central-1, alerts: [ops@acme.example], quotas: {concurrent_executions: %d}%s}\n"
TENANTS = """\
tenants:
  - {id: acme, subdomain: post.acme.example, addresses: [support], dns: self-managed}
  - {id: globex, subdomain: post.globex.example, scanning: dedicated}
"""
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-1111-1111-1111-111111111111"
Stacks = dict[str, Any]


def config_of(folder: Path, more: str = "", tenants: str = TENANTS, concurrency: int = 13) -> Config:
    """Two tenants in one cell."""
    path = folder / "tenants.yaml"
    path.write_text(CELL % (concurrency, more) + tenants, encoding="utf-8")
    return load(path)


def made_of(config: Config, folder: Path) -> Stacks:
    """Templates by stack, of all cells and tenants."""
    app = new_app(outdir=folder, context=project_context())
    add_stacks(app, config, tenants=[one.id for one in config.tenants], cells=["eu"])
    app.synth()
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in folder.glob("*.template.json")
    }


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """With a settings API."""
    return config_of(tmp_path_factory.mktemp("config"), f", control: {CONTROL}")


@pytest.fixture(scope="module")
def stacks(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """All templates."""
    return made_of(config, tmp_path_factory.mktemp("assembly"))


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Those of the same config without it."""
    return made_of(config_of(tmp_path_factory.mktemp("config")), tmp_path_factory.mktemp("assembly"))


def resources(template: Any, kind: str) -> dict[str, Any]:
    """Properties of all resources of a type, by logical id."""
    return {
        name: one.get("Properties", {}) for name, one in template["Resources"].items() if one["Type"] == f"AWS::{kind}"
    }


def test_opt_in(stacks: Stacks, without: Stacks) -> None:
    """Without `control` there is no stack of it; with it, the cell gets a policy and two exports, and nothing changes beside."""
    assert set(stacks) - set(without) == {"Control-eu"}
    cell, before = stacks["Cell-eu"], without["Cell-eu"]
    more = set(cell["Resources"]) - set(before["Resources"])
    assert [cell["Resources"][one]["Type"] for one in more] == ["AWS::IAM::ManagedPolicy"]
    assert {name: cell["Resources"][name] for name in before["Resources"]} == before["Resources"]
    assert set(cell["Outputs"]) - set(before["Outputs"]) == {"AddressBooksFunctionArn", "TenantBoundaryArn"}
    assert stacks["Tenant-globex"] == without["Tenant-globex"]


def test_roles_of_tenants_have_a_boundary(stacks: Stacks, without: Stacks) -> None:
    """Each of them, and that is all that is new in a tenant's template."""
    found, before = copy.deepcopy(stacks["Tenant-acme"]), without["Tenant-acme"]
    bound = {"Fn::ImportValue": "Cell-eu:TenantBoundaryArn"}
    roles = resources(found, "IAM::Role")
    assert roles
    for role in roles.values():
        assert role.pop("PermissionsBoundary") == bound
    assert found == before


def routes_of(template: Any) -> dict[str, str]:
    """Authorization of each route."""
    found = resources(template, "ApiGatewayV2::Route").values()
    return {one["RouteKey"]: one.get("AuthorizationType", "NONE") for one in found}


def test_the_api(stacks: Stacks) -> None:
    """Its function judges all tokens, and answers each with a problem; slow, logged without paths, and called by this API alone."""
    found = Template.from_json(stacks["Control-eu"])
    found.resource_count_is("AWS::ApiGatewayV2::Authorizer", 0)
    assert routes_of(stacks["Control-eu"]) == {"$default": "NONE", "GET /openapi.json": "NONE"}
    (stage,) = resources(stacks["Control-eu"], "ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}
    assert json.loads(stage["AccessLogSettings"]["Format"]).keys() == {"id", "method", "status"}
    found.has_resource_properties(
        "AWS::Lambda::Permission",
        {"Principal": "apigateway.amazonaws.com", "SourceArn": Match.object_like({"Fn::Join": Match.any_value()})},
    )


def with_control(folder: Path, more: str) -> Any:
    """Template of a settings API with further settings."""
    config = config_of(folder, f", control: {CONTROL[:-1]}, {more}}}", "tenants: []\n")
    return made_of(config, folder / "out")["Control-eu"]


def test_the_gateway_may_judge_tokens_first(tmp_path: Path) -> None:
    """So that a bad token calls no function; the description stays public."""
    template = with_control(tmp_path, "authorizer: gateway")
    (authorizer,) = resources(template, "ApiGatewayV2::Authorizer").values()
    assert authorizer["JwtConfiguration"] == {"Audience": ["mail"], "Issuer": "https://login.acme.example"}
    assert (authorizer["AuthorizerType"], authorizer["IdentitySource"]) == ("JWT", ["$request.header.Authorization"])
    assert routes_of(template) == {"$default": "JWT", "GET /openapi.json": "NONE"}


def test_no_origin_but_the_configured_ones(stacks: Stacks, tmp_path: Path) -> None:
    """By default pages of no origin call the API; of those that do, none sends cookies."""
    (api,) = resources(stacks["Control-eu"], "ApiGatewayV2::Api").values()
    assert "CorsConfiguration" not in api
    origins = ["https://portal.acme.example", "http://localhost:5173"]
    (api,) = resources(with_control(tmp_path, f"allowed_origins: {json.dumps(origins)}"), "ApiGatewayV2::Api").values()
    cors = api["CorsConfiguration"]
    assert (cors["AllowOrigins"], cors["AllowCredentials"]) == (origins, False)
    operations = json.loads((PROJECT_ROOT / "email_stack/settings/openapi.json").read_text())["paths"].values()
    assert {one.upper() for methods in operations for one in methods} == set(cors["AllowMethods"])
    taken = {
        one["name"]
        for methods in operations
        for operation in methods.values()
        for one in operation.get("parameters", [])
        if one["in"] == "header"
    }
    assert taken | {"authorization", "content-type", "x-correlation-id", "x-epilot-org-id"} == set(cors["AllowHeaders"])


CERTIFICATE = "arn:aws:acm:eu-central-1:111111111111:certificate/11111111-1111-1111-1111-111111111111"


@pytest.mark.parametrize("zone", ["", ", hosted_zone_id: Z0123456789"])
def test_a_domain_name_of_ours(stacks: Stacks, tmp_path: Path, zone: str) -> None:
    """With TLS 1.2 and a mapping to the one stage; in a zone of ours with its alias record, elsewhere with an output for it."""
    assert not resources(stacks["Control-eu"], "ApiGatewayV2::DomainName")
    assert "ApiDomainTarget" not in stacks["Control-eu"]["Outputs"]
    name = "settings.acme.example"
    template = with_control(tmp_path, f"domain: {{domain_name: {name}, certificate_arn: '{CERTIFICATE}'{zone}}}")
    ((logical_id, domain),) = resources(template, "ApiGatewayV2::DomainName").items()
    (configuration,) = domain["DomainNameConfigurations"]
    assert configuration == {
        "CertificateArn": CERTIFICATE,
        "EndpointType": "REGIONAL",
        "SecurityPolicy": "TLS_1_2",
    }
    (mapping,) = resources(template, "ApiGatewayV2::ApiMapping").values()
    assert (domain["DomainName"], mapping["DomainName"], mapping["Stage"]) == (name, {"Ref": logical_id}, "$default")
    outputs = template["Outputs"]
    target = {"Fn::GetAtt": [logical_id, "RegionalDomainName"]}
    assert (outputs["ApiUrl"]["Value"], outputs["ApiDomainTarget"]["Value"]) == (f"https://{name}", target)
    records = [*resources(template, "Route53::RecordSet").values()]
    assert len(records) == bool(zone)
    for record in records:
        assert (record["HostedZoneId"], record["Name"], record["Type"]) == ("Z0123456789", name, "A")
        assert record["AliasTarget"]["DNSName"] == target


def functions(template: Any) -> dict[str, Any]:
    """Functions by what they run."""
    found = resources(template, "Lambda::Function").values()
    return {one["ImageConfig"]["Command"][0].rpartition(".")[2]: one for one in found}


def test_functions(stacks: Stacks) -> None:
    """Two images of four functions, and each knows what it needs, by the very names that the code reads."""
    found = functions(stacks["Control-eu"])
    assert {name: set(one["Environment"]["Variables"]) for name, one in found.items()} == {
        "handler": {
            "SETTINGS_AUDIENCE",
            "SETTINGS_ISSUER",
            "SETTINGS_ORGANIZATION_CLAIM",
            "SETTINGS_ROLE_ARN",
            "SETTINGS_TABLE",
        },
        "on_check": {"SETTINGS_TABLE"},
        "on_look": {
            "ASSETS",
            "BOOKS_FUNCTION",
            "CELL",
            "EXECUTION_ROLE_ARN",
            "RELEASE",
            "SETTINGS_TABLE",
            "SHELF_BUCKET",
            "SYNTHESIS_FUNCTION",
        },
        "on_synthesis": {"CELL", "RELEASE", "SHELF_BUCKET"},
    }
    images = {name: json.dumps(one["Code"]["ImageUri"]) for name, one in found.items()}
    assert images["handler"] == images["on_check"] == images["on_look"] != images["on_synthesis"]
    # As `Shelf` and `Stacks` take it.
    assert found["on_look"]["Environment"]["Variables"]["RELEASE"].isalnum()


def test_what_tenants_run_is_published(stacks: Stacks) -> None:
    """The judge lets the very code through that a tenant's template names, and none beside."""
    (published,) = {functions(stacks["Control-eu"])["on_look"]["Environment"]["Variables"]["ASSETS"]}
    runs = {one["Code"]["S3Key"] for one in resources(stacks["Tenant-acme"], "Lambda::Function").values()}
    assert runs == {f"{one}.zip" for one in published.split()}


def test_synthesis_has_two_rights(stacks: Stacks) -> None:
    """Beside its log: it reads snapshots and writes templates."""
    role = functions(stacks["Control-eu"])["on_synthesis"]["Role"]["Fn::GetAtt"][0]
    (policy,) = stacks["Control-eu"]["Resources"][role]["Properties"]["Policies"]
    actions = [one["Action"] for one in policy["PolicyDocument"]["Statement"]]
    assert actions == [["logs:CreateLogStream", "logs:PutLogEvents"], ["s3:GetObject"], ["s3:PutObject"]]
    assert not [one for one in resources(stacks["Control-eu"], "IAM::Policy").values() if {"Ref": role} in one["Roles"]]


def test_policies_of_cloudformation_fit(stacks: Stacks) -> None:
    """A managed policy holds 6,144 characters, white space not counted. Source: IAM user guide, "IAM and AWS STS quotas"."""
    policies = [*resources(stacks["Control-eu"], "IAM::ManagedPolicy").values()]
    assert len(policies) == 2
    for one in policies:
        assert len(json.dumps(one["PolicyDocument"], separators=(",", ":"))) < 8_000
    (role,) = [one for one in resources(stacks["Control-eu"], "IAM::Role").values() if "RoleName" in one]
    assert role["RoleName"] == "cdk-tenants-eu-cfn-exec-role-"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Principal"], list(trust["Condition"])) == (
        {"Service": "cloudformation.amazonaws.com"},
        ["StringEquals"],
    )


def test_settings_are_kept_and_found_by_what_is_due(stacks: Stacks) -> None:
    """Table and shelf stay with a deleted stack; the table comes back to any second, the shelf forgets after 90 days."""
    template = stacks["Control-eu"]
    kept = {
        one["Type"]: (one["DeletionPolicy"], one["UpdateReplacePolicy"])
        for one in template["Resources"].values()
        if one["Type"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    }
    assert set(kept.values()) == {("RetainExceptOnCreate", "Retain")}
    (table,) = resources(template, "DynamoDB::Table").values()
    assert {one["IndexName"]: one["Projection"] for one in table["GlobalSecondaryIndexes"]} == {
        "looks": {"ProjectionType": "KEYS_ONLY"},
        "checks": {"ProjectionType": "KEYS_ONLY"},
    }
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"]["Enabled"]
    (bucket,) = resources(template, "S3::Bucket").values()
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 90


def test_schedules_and_alarms(stacks: Stacks) -> None:
    """Looks each minute, checks each day; whatever fails, is refused or is late tells the cell's operators."""
    template = stacks["Control-eu"]
    rules = resources(template, "Events::Rule").values()
    assert sorted(one["ScheduleExpression"] for one in rules) == ["rate(1 day)", "rate(1 minute)"]
    alarms = resources(template, "CloudWatch::Alarm").values()
    assert Counter(one["MetricName"] for one in alarms) == {
        "Errors": 4,
        "5xx": 1,
        FAILED_DEPLOYMENTS: 1,
        REFUSED_TEMPLATES: 1,
        OLDEST_RUN: 1,
    }
    assert all(one["AlarmActions"] == [{"Fn::ImportValue": "Cell-eu:AlarmsTopicArn"}] for one in alarms)
    late = next(one for one in alarms if one["MetricName"] == OLDEST_RUN)
    assert (late["Threshold"], late["TreatMissingData"]) == (900, "missing")


def test_a_key_of_the_operators(tmp_path: Path) -> None:
    """Encrypts table, shelf and logs; whoever reads them may use it, and CloudFormation for tenants' tables."""
    config = config_of(tmp_path, f', control: {CONTROL}, encryption: {{key_arn: "{KEY}"}}', "tenants: []\n")
    template = made_of(config, tmp_path / "out")["Control-eu"]
    assert {one["KmsKeyId"] for one in resources(template, "Logs::LogGroup").values()} == {KEY}
    (table,) = resources(template, "DynamoDB::Table").values()
    assert table["SSESpecification"]["KMSMasterKeyId"] == KEY
    using = [
        name for name, role in resources(template, "IAM::Role").items() if KEY in json.dumps(role.get("Policies", []))
    ]
    assert len(using) == 4
    assert sum(KEY in json.dumps(one) for one in resources(template, "IAM::ManagedPolicy").values()) == 1


def test_each_resource_is_counted(stacks: Stacks, config: Config) -> None:
    """What `validate` says that the cell takes is what both of its templates hold."""
    both = [stacks["Cell-eu"], stacks["Control-eu"]]
    held = Counter(
        COUNTED.get(one["Type"])
        for template in both
        for one in template["Resources"].values()
        # Queues of the same account confirm their subscription themselves.
        if one.get("Properties", {}).get("Protocol") != "sqs"
    )
    cell = config.cell("eu")
    needs = Counter(cell_needs(cell)) + Counter(control_needs(cell))
    assert {name: held[name] for name in set(COUNTED.values())} == {name: needs[name] for name in set(COUNTED.values())}
    kinds = {one["Type"] for one in stacks["Control-eu"]["Resources"].values()}
    assert kinds <= COUNTED.keys() | UNCOUNTED.keys() | CONTROL_UNCOUNTED.keys()
    largest = max(one["MemorySize"] for one in resources(stacks["Control-eu"], "Lambda::Function").values())
    assert largest <= cell_needs(cell)["function_memory_mib"]


CONTROL_UNCOUNTED = {
    "AWS::ApiGatewayV2::Integration": "300 an API, which has one",
    "AWS::ApiGatewayV2::Route": "300 an API, which has two",
    "AWS::ApiGatewayV2::Stage": "10 an API, which has one",
    "AWS::IAM::ManagedPolicy": "1,500 an account: two, and one of the cell",
}


def test_what_is_counted_of_the_api(stacks: Stacks, tmp_path: Path) -> None:
    """Its rate, its domain name, and three functions that are busy beside the mail of one customer."""
    (stage,) = resources(stacks["Control-eu"], "ApiGatewayV2::Stage").values()
    domain = f"domain: {{domain_name: settings.acme.example, certificate_arn: '{CERTIFICATE}'}}"
    config = config_of(tmp_path, f", control: {CONTROL[:-1]}, {domain}}}", "tenants: []\n")
    usage = {one.name: (one.used, one.limit) for one in quota_usage(config, "eu")}
    assert usage["api_requests"] == (stage["DefaultRouteSettings"]["ThrottlingRateLimit"], 10_000)
    assert (usage["api_domains"], usage["http_apis"]) == ((1, 120), (1, 600))
    assert usage["concurrent_executions"] == (5 + 3 + 5, 13)
    with pytest.raises(ConfigError, match="13 concurrent executions needed in eu-central-1"):
        config_of(tmp_path, f", control: {CONTROL}", "tenants: []\n", concurrency=12)


def test_the_platforms_part_of_a_config(config: Config, tmp_path: Path) -> None:
    """It is valid by itself, says the same, and holds no tenant that the API does not own."""
    said = platform_of(config, "eu")
    assert said["tenants"] == []
    path = tmp_path / "platform.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    assert load(path).cell("eu") == config.cell("eu")


def test_no_finding_of_nag(config: Config, tmp_path: Path) -> None:
    """On all that a control cell has."""
    app = new_app(outdir=tmp_path, context=project_context())
    add_stacks(app, replace(config, tenants=config.tenants[:1]), tenants=["acme"], cells=["eu"])
    assert nag_findings(app) == []


def test_the_judge_takes_what_has_the_boundary(stacks: Stacks, without: Stacks) -> None:
    """Of the very code that the stack publishes; a template of a cell without one is refused here."""
    snapshot = Snapshot(tenant="acme", organization="a", revision=1, settings={"subdomain": "post.acme.example"})
    published = functions(stacks["Control-eu"])["on_look"]["Environment"]["Variables"]["ASSETS"]
    judge = Judge(cell="eu", assets=frozenset(published.split()), bounded=True)
    # Whoever owns its settings: a tenant of the config has no revision.
    fine = ["Outputs.SettingsRevision: must be 1"]
    assert judge.faults(stacks["Tenant-acme"], snapshot) == fine
    refused = judge.faults(without["Tenant-acme"], snapshot)
    assert [one.partition(": ")[2] for one in refused if one not in fine] == ["must have the boundary of its cell"]
    assert Judge(cell="eu").faults(without["Tenant-acme"], snapshot) == fine
    other = json.loads(json.dumps(stacks["Tenant-acme"]).replace("Cell-eu:TenantBoundaryArn", "Cell-eu:AlarmsTopicArn"))
    assert len(Judge(cell="eu").faults(other, snapshot)) == len(judge.faults(other, snapshot)) == 2
