"""Whole templates: as snapshots, through cfn-lint, through cdk-nag, and what must hold of every one."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from email_stack.config import Config
from email_stack.stacks import add_stacks, new_app
from email_stack.synthesis.app import project_context
from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.nag import nag_findings
from tests.templates import UNSTAGED

STACKS = [
    *("Cell-eu", "Cell-us", "Delegation-elsewhere"),
    *(f"Tenant-{name}" for name in ("elsewhere", "everything", "selfmanaged", "sendonly", "shortest")),
]
WHOLE = ["Cell-eu", "Delegation-elsewhere", "Tenant-everything", "Tenant-shortest"]
LIKE = {
    "Cell-us": "Cell-eu",
    "Tenant-elsewhere": "Tenant-everything",
    "Tenant-selfmanaged": "Tenant-shortest",
    "Tenant-sendonly": "Tenant-shortest",
}
"""Stacks of which the difference from another one is kept."""

ASSET = re.compile(r"[0-9a-f]{64}(?=\.zip)|(?<=:)[0-9a-f]{64}(?=\")")


def of_type(template: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    """Resources of one type."""
    return [resource for resource in template["Resources"].values() if resource["Type"] == type_]


def masked(template: dict[str, Any], name: str = "") -> dict[str, Any]:
    """The template without hashes of assets, since code has tests of its own, and without the tenant's or cell's name."""
    text = ASSET.sub("<asset>", json.dumps(template))
    if name:
        text = re.sub(rf"\b{name}\b", "<name>", text)
    changed: dict[str, Any] = json.loads(text)
    return changed


def differences(template: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Changes from `base` to the template, by section and logical id: new parts whole, null for removed ones, changed lines."""
    found: dict[str, Any] = {}
    here, there = parts(template), parts(base)
    for name in sorted(here.keys() | there.keys()):
        if name not in there or name not in here:
            found[name] = here.get(name)
        elif here[name] != there[name]:
            old, new = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (there[name], here[name]))
            # Line by line within one resource, with no lines around it: it stays as it is when others change.
            found[name] = list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]
    return found


def parts(template: dict[str, Any]) -> dict[str, Any]:
    """Every resource, output and the like by section and logical id; sections that are a text by their names."""
    found: dict[str, Any] = {}
    for section, content in template.items():
        if isinstance(content, dict):
            found |= {f"{section}/{name}": one for name, one in content.items()}
        else:
            found[section] = content
    return found


@pytest.mark.parametrize("stack", WHOLE)
def test_template_is_as_it_was(stack: str, templates: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    """Every change of a template is a change of its snapshot."""
    assert masked(templates[stack]) == snapshot(name=stack, extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("stack", LIKE)
def test_template_differs_as_it_did(stack: str, templates: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    """From the stack that it is like: with that one's snapshot, this is all of the template."""
    made, base = (masked(templates[name], name.partition("-")[2]) for name in (stack, LIKE[stack]))
    found = differences(made, base)
    assert found == snapshot(name=stack, extension_class=JSONSnapshotExtension)


def test_differences_miss_nothing() -> None:
    """What is new, gone, changed or moved."""
    base = {"Resources": {"A": {"x": [1, 2]}, "B": {}}, "Outputs": {"O": {"Value": 1}}}
    assert differences(base, base) == {}
    assert differences({"Resources": {"A": {"x": [2, 1]}, "C": {"new": True}}}, base) == {
        "Outputs/O": None,
        "Resources/A": ["@@ -3,2 +3,2 @@", "-  1,", "-  2", "+  2,", "+  1"],
        "Resources/B": None,
        "Resources/C": {"new": True},
    }


def test_every_stack_is_covered(templates: dict[str, Any]) -> None:
    """A stack that nobody snapshots would change unseen."""
    assert sorted(templates) == STACKS == sorted([*WHOLE, *LIKE])


@pytest.mark.slow
def test_cfn_lint_finds_nothing(assembly: Path, example_assembly: Path) -> None:
    """No error and no warning: what the emulator accepts and CloudFormation would not is found here."""
    files = sorted(str(path) for folder in (assembly, example_assembly) for path in folder.glob("*.template.json"))
    assert len(files) > len(STACKS)
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--config-file",
        str(PROJECT_ROOT / ".cfnlintrc.yaml"),
        "--",
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_cdk_nag_finds_nothing_unexplained(config: Config, tmp_path: Path) -> None:
    """AwsSolutions on every stack; each exception carries its reason in the code."""
    app = new_app(outdir=tmp_path, context={**project_context(), **UNSTAGED})
    add_stacks(app, config, tenants=[tenant.id for tenant in config.tenants])
    assert nag_findings(app) == []


def test_tenant_stacks_hold_no_custom_resource(templates: dict[str, Any]) -> None:
    """Nothing runs during a tenant's deployment but CloudFormation itself."""
    for name, template in templates.items():
        if name.startswith("Tenant-"):
            types = {resource["Type"] for resource in template["Resources"].values()}
            assert not [t for t in types if t.startswith(("Custom::", "AWS::CloudFormation::"))]


def test_no_name_of_a_tenants_own_is_behind_tracked_links(templates: dict[str, Any], example_assembly: Path) -> None:
    """A link of https would end at a CNAME to SES, whose certificate names Amazon alone. There is a name to look at."""
    example = [json.loads(path.read_text()) for path in example_assembly.glob("Tenant-*.template.json")]
    named = []
    for template in [*templates.values(), *example]:
        sets = of_type(template, "AWS::SES::ConfigurationSet")
        names = [one["Properties"].get("TrackingOptions", {}).get("CustomRedirectDomain") for one in sets]
        named += [name for name in names if name]
        if any(names) and ".awstrack.me" in json.dumps(template):
            destinations = of_type(template, "AWS::SES::ConfigurationSetEventDestination")
            kinds = [one["Properties"]["EventDestination"]["MatchingEventTypes"] for one in destinations]
            assert [one for one in kinds if "CLICK" in one] == []
    assert len(named) == 2


def test_tenants_name_only_themselves(templates: dict[str, Any]) -> None:
    """No template mentions another tenant, by id or by subdomain."""
    names = {
        "shortest": "post.shortest.example",
        "selfmanaged": "post.selfmanaged.example",
        "everything": "post.xn--mller-kva.example",
        "elsewhere": "post.elsewhere.example",
        "sendonly": "post.sendonly.example",
    }
    for tenant in names:
        text = json.dumps(templates[f"Tenant-{tenant}"])
        for other, subdomain in names.items():
            assert (other in text or subdomain in text) is (other == tenant)


def test_delegated_tenants_put_out_name_servers_and_others_their_records(templates: dict[str, Any]) -> None:
    """What the customer needs is in the outputs, and nothing of the other mode."""
    for tenant, delegated in (("shortest", True), ("everything", True), ("selfmanaged", False)):
        outputs = templates[f"Tenant-{tenant}"]["Outputs"]
        assert ("NameServers" in outputs) is delegated
        assert ("HostedZoneId" in outputs) is delegated
        assert any(name.startswith("DnsRecord") for name in outputs) is not delegated


def test_same_account_parent_is_written_in_the_tenant_stack(templates: dict[str, Any]) -> None:
    """An NS record set with the zone's own name servers, in the parent's zone."""
    (record,) = of_type(templates["Tenant-everything"], "AWS::Route53::RecordSet")
    assert (record["Properties"]["Type"], record["Properties"]["HostedZoneId"]) == ("NS", "ZPARENT")


def test_parent_in_another_account_is_written_by_a_stack_of_its_own(assembly: Path, templates: dict[str, Any]) -> None:
    """The role of the other account is assumed there, and the tenant's stack comes first and goes last."""
    assert of_type(templates["Tenant-elsewhere"], "AWS::Route53::RecordSet") == []
    (record,) = of_type(templates["Delegation-elsewhere"], "Custom::CrossAccountZoneDelegation")
    assert record["Properties"]["AssumeRoleArn"] == "arn:aws:iam::222222222222:role/delegation"
    assert record["Properties"]["ParentZoneId"] == "ZOTHER"
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    assert "Tenant-elsewhere" in manifest["artifacts"]["Delegation-elsewhere"]["dependencies"]
    assert "Cell-us" in manifest["artifacts"]["Tenant-elsewhere"]["dependencies"]


def test_iam_has_no_wildcard_but_the_explained_one(templates: dict[str, Any]) -> None:
    """In our own cells, only the two SES actions that know no resource; CDK's delegation function has none."""
    found = {}
    for name, template in templates.items():
        for policy in of_type(template, "AWS::IAM::Policy"):
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert not [action for action in actions if "*" in action]
                if statement["Resource"] == "*":
                    found[name] = actions
    explained = ["ses:DescribeActiveReceiptRuleSet", "ses:SetActiveReceiptRuleSet"]
    assert found == {"Cell-eu": explained, "Cell-us": explained}


def test_exports_of_a_cell_are_what_its_tenants_import(templates: dict[str, Any]) -> None:
    """No tenant imports what its cell does not export, and nothing is exported that no tenant can need."""
    needed: dict[str, set[str]] = {"eu": set(), "us": set()}
    for cell, tenants in (("eu", ["shortest", "everything"]), ("us", ["elsewhere", "sendonly"])):
        exported = {o["Export"]["Name"] for o in templates[f"Cell-{cell}"]["Outputs"].values() if "Export" in o}
        for tenant in tenants:
            imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(templates[f"Tenant-{tenant}"])))
            assert imported <= exported
            needed[cell] |= imported
    # No tenant there has a receipt rule.
    needed["us"].add("Cell-us:EnvelopesTopicArn")
    assert "Cell-eu:EnvelopesTopicArn" in needed["eu"]
    assert needed["us"] == {o["Export"]["Name"] for o in templates["Cell-us"]["Outputs"].values() if "Export" in o}


def test_tenant_adds_nothing_that_its_cell_shares(config: Config, templates: dict[str, Any]) -> None:
    """No rule, no tracking, no writer of address books: the cell has one of each. One role and two alarms, but for a scanner."""
    shared = re.compile(r"mailroom\.functions\.(tracking|address_books)\.")
    for stack, template in templates.items():
        kinds = [one["Type"] for one in template["Resources"].values()]
        handlers = sorted(
            one["Properties"]["Handler"] for one in template["Resources"].values() if shared.search(json.dumps(one))
        )
        if stack.startswith("Tenant-"):
            dedicated = config.tenant(stack.removeprefix("Tenant-")).scanning.mode == "dedicated"
            assert (kinds.count("AWS::Events::Rule"), handlers) == (dedicated, [])
            assert kinds.count("AWS::IAM::Role") == 1 + dedicated
            assert kinds.count("AWS::CloudWatch::Alarm") == 2 + 6 * dedicated
            (entry,) = of_type(template, "AWS::SSM::Parameter")
            (table,) = of_type(template, "AWS::DynamoDB::Table")
            assert len(json.dumps(table["Properties"]["ResourcePolicy"])) < 10_000  # of 20,480 that DynamoDB takes
            assert re.match(r"/email-cell-(eu|us)/configuration-sets/", entry["Properties"]["Name"]["Fn::Join"][1][0])
        elif stack.startswith("Cell-"):
            assert handlers == ["mailroom.functions.address_books.on_event", "mailroom.functions.tracking.on_event"]


def test_removal_follows_the_config(templates: dict[str, Any]) -> None:
    """Data of a tenant is retained, also where it is replaced, unless its config says otherwise; a zone always is."""
    for tenant, policy in (("shortest", "RetainExceptOnCreate"), ("elsewhere", "Delete")):
        (zone,) = of_type(templates[f"Tenant-{tenant}"], "AWS::Route53::HostedZone")
        assert (zone["DeletionPolicy"], zone["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        assert ("Metadata" in zone) == (policy == "Delete")
        for type_ in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table"):
            (resource,) = of_type(templates[f"Tenant-{tenant}"], type_)
            replaced = policy.removesuffix("ExceptOnCreate")
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (policy, replaced)


def test_what_holds_state_says_what_becomes_of_it(templates: dict[str, Any]) -> None:
    """It is kept unless its creation is rolled back, or it goes; and no table holds up a roll-back."""
    holding = {"AWS::S3::Bucket", "AWS::Route53::HostedZone", "AWS::DynamoDB::Table", "AWS::KMS::Key"}
    seen = set()
    for template in templates.values():
        for resource in template["Resources"].values():
            assert resource.get("DeletionPolicy") != "Retain"
            if resource["Type"] in holding:
                policies = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
                assert policies in {("RetainExceptOnCreate", "Retain"), ("Delete", "Delete")}
                assert not resource["Properties"].get("DeletionProtectionEnabled")
                seen.add(resource["Type"])
    assert seen == holding


def test_tenant_that_only_sends_has_no_rule(templates: dict[str, Any]) -> None:
    """A rule without recipients would take everybody's mail."""
    assert of_type(templates["Tenant-sendonly"], "AWS::SES::ReceiptRule") == []
    for template in templates.values():
        for rule in of_type(template, "AWS::SES::ReceiptRule"):
            assert rule["Properties"]["Rule"]["Recipients"]
