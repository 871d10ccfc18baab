"""Keys of the operator's in the config: what is encrypted with them, and what their policies must say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.encryption import Home
from constructs_lib.key_policy import needed_statements
from email_stack.config import load
from tests.config.configs import lines_of
from tests.iam.deployed import REGION, Deployment
from tests.iam.evaluator import ACCOUNT
from tests.iam.keys import OTHER_ACCOUNT, encrypted, roles_without_key, services, services_without_key
from tests.stacks.conftest import synthesized

pytestmark = pytest.mark.slow

NAME = "1234abcd-12ab-34cd-56ef-1234567890a"
CELLS, OWN = (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{NAME}{last}" for last in "bc")
CONFIG = f"""
cells:
  eu: {{region: {REGION}, account: "{ACCOUNT}", encryption: {{key_arn: "{CELLS}"}}}}
tenants:
  - {{id: shared, subdomain: post.shared.example, addresses: [support]}}
  - {{id: dedicated, subdomain: post.dedicated.example, scanning: dedicated}}
  - {{id: own, subdomain: post.own.example, addresses: [support], encryption: {{key_arn: "{OWN}"}}}}
  - {{id: ownscanner, subdomain: post.ownscanner.example, scanning: dedicated, encryption: {{key_arn: "{OWN}"}}}}
"""
ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A cell with a key, and tenants with and without another."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "tenants.yaml").write_text(CONFIG, encoding="utf-8")
    out = synthesized(load(folder / "tenants.yaml"), folder / "out")
    return Deployment(
        {
            path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(out.glob("*.template.json"))
        }
    )


@pytest.fixture(scope="module")
def imported(deployment: Deployment) -> dict[str, Any]:
    """The keys' policies, as the documents have them: the tenants' key names the cell's roles that work in buckets and tables."""
    home = Home(partition="aws", region=REGION, account=ACCOUNT)
    scanner, *tables = (
        role.arn
        for name in ("ScannerRole", "TrackingNotingTables", "AddressBooksTables")
        for role in deployment.roles
        if role.stack == "Cell-eu" and role.logical_id.startswith(name)
    )
    needed = {
        CELLS: needed_statements(home, alarms=True),
        OWN: needed_statements(home, scanner_role_arns=[scanner], tables_role_arns=tables),
    }
    return {key: {"Version": "2012-10-17", "Statement": [ROOT, *statements]} for key, statements in needed.items()}


def test_everything_is_encrypted_with_the_key_that_the_config_names(deployment: Deployment) -> None:
    """A tenant's own goes before the cell's; only the access logs have none."""
    keys = {thing.arn: thing.key for thing in encrypted(deployment)}
    for type_ in ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::SNS::Topic"):
        for stack, arn, _properties in deployment.of_type(type_):
            if "accesslogs" not in arn:
                assert keys[arn] == (OWN if "own" in stack else CELLS), arn
    for stack, _arn, properties in deployment.of_type("AWS::Logs::LogGroup"):
        assert properties["KmsKeyId"] == (OWN if "own" in stack else CELLS)


def test_every_role_and_service_has_its_keys(deployment: Deployment, imported: dict[str, Any]) -> None:
    """With the policies that the documents ask for, and for no other account."""
    assert roles_without_key(deployment, imported) == []
    assert services_without_key(deployment, imported) == []
    refused = services_without_key(deployment, imported, account=OTHER_ACCOUNT)
    assert len(refused) == len(services(deployment))


def test_the_cells_scanner_needs_the_tenants_key(deployment: Deployment, imported: dict[str, Any]) -> None:
    """Without the statement that names it, the one tenant whose mail it scans with that key is missed, and no other."""
    left = {
        **imported,
        OWN: {**imported[OWN], "Statement": [*imported[OWN]["Statement"][:-2], imported[OWN]["Statement"][-1]]},
    }
    missing = roles_without_key(deployment, left)
    assert missing
    assert {("Cell-eu/ScannerRole" in one, "tenant-own-" in one) for one in missing} == {(True, True)}


def test_the_cells_functions_need_the_tenants_key(deployment: Deployment, imported: dict[str, Any]) -> None:
    """Without the statement that names their roles, what became of mail and the address book of its tenants is not written."""
    left = {**imported, OWN: {**imported[OWN], "Statement": imported[OWN]["Statement"][:-1]}}
    missing = roles_without_key(deployment, left)
    roles = ("TrackingNotingTables", "AddressBooksTables")
    tenants = ("tenant-own-", "tenant-ownscanner-")
    found = {(role, tenant) for one in missing for role in roles for tenant in tenants if role in one and tenant in one}
    assert found == {(role, tenant) for role in roles for tenant in tenants}
    assert all(any(role in one for role in roles) for one in missing)


def test_exports_stay_as_they_were(deployment: Deployment) -> None:
    """A key that is named later changes no export that deployed tenants import."""
    outputs = deployment.templates["Cell-eu"]["Outputs"]
    assert "Fn::GetAtt" in outputs["AlertsKeyArn"]["Value"]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (
            f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{NAME}d",
            f'must be in {REGION}, the region of cell "eu"',
        ),
        (f"arn:aws:kms:{REGION}:222222222222:key/mrk-{32 * '1'}", f'must be in account {ACCOUNT}, that of cell "eu"'),
    ],
)
def test_a_key_that_is_elsewhere_is_refused(key: str, problem: str, tmp_path: Path) -> None:
    """Of the cell as of a tenant: it could encrypt nothing there."""
    (cells,) = lines_of(tmp_path, CONFIG.replace(CELLS, key))
    assert f'cell "eu": encryption.key_arn {problem}' in cells
    of_tenants = lines_of(tmp_path, CONFIG.replace(OWN, key))
    assert len(of_tenants) == 2
    assert all(f"encryption.key_arn {problem}" in line for line in of_tenants)
