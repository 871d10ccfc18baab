"""A tenant of another stack or app: the roles of an application's stack reach it as by its own construct."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs_lib import DeployedTenant, DesignatedAddress, Scanner, TenantSubdomain, TenantSubdomainProps
from tests.templates import new_stack, resources, template_of

DOMAIN = "post.acme.example"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SCANNER = Scanner(
    role_arn="arn:aws:iam::111111111111:role/scanner", queue_arn="arn:aws:sqs:eu-central-1:111111111111:arrivals"
)
BUCKET, TABLE = "tenant-acme-inbox", "Tenant-acme-Messages-1A2B3C"
GRANTS = ["grant_addresses", "grant_held", "grant_outbox", "grant_read"]
OF_ONE_SERVICE = {"grant_addresses", "grant_held"}


def statements(stack: cdk.Stack, tenant: DeployedTenant | TenantSubdomain, grant: str) -> list[dict[str, Any]]:
    """Statements of a role's own policy after the grant."""
    role = iam.Role(stack, "Application", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    getattr(tenant, grant)(role)
    (policy,) = resources(template_of(stack), "AWS::IAM::Policy").values()
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def key_in(stack: cdk.Stack, *, encrypted: bool) -> kms.IKey | None:
    """An imported key, or none."""
    return kms.Key.from_key_arn(stack, "Key", KEY) if encrypted else None


def text(value: Any) -> str:
    """A resource as ARN, references by their names."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            return str(value)


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("grant", GRANTS)
def test_grants_are_those_of_the_tenants_own_construct(grant: str, encrypted: bool) -> None:
    """The same actions under the same conditions, in the same order; with a key, its use as well."""
    own = new_stack()
    made = TenantSubdomain(
        own,
        "Acme",
        TenantSubdomainProps(
            tenant_id="acme",
            subdomain=DOMAIN,
            rule_set_name="mail",
            addresses=[DesignatedAddress(f"support@{DOMAIN}")],
            scanner=SCANNER,
            encryption_key=key_in(own, encrypted=encrypted),
        ),
    )
    other = new_stack()
    deployed = DeployedTenant(table_name=TABLE, bucket_name=BUCKET, encryption_key=key_in(other, encrypted=encrypted))
    expected = [{**one, "Resource": ""} for one in statements(own, made, grant)]
    found = statements(other, deployed, grant)
    assert [{**one, "Resource": ""} for one in found] == expected
    through = [one for one in found if "kms:Decrypt" in one["Action"]]
    assert len(through) == (0 if not encrypted else 1 if grant in OF_ONE_SERVICE else 2)
    assert all(one["Resource"] == KEY for one in through)


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("grant_addresses", [f"table/{TABLE}"]),
        (
            "grant_outbox",
            ["raw/out/*", f"table/{TABLE}", f"table/{TABLE}/index/threads-by-activity", f"table/{TABLE}"],
        ),
        ("grant_held", ["", "held/*", "raw/decisions/*"]),
        (
            "grant_read",
            [f"table/{TABLE}", f"table/{TABLE}/index/threads-by-activity", "attachments/*", "bodies/*", "clean/*"],
        ),
    ],
)
def test_grants_name_bucket_and_table(grant: str, expected: list[str]) -> None:
    """Of the stack's own account and region."""
    found = statements(new_stack(), DeployedTenant(table_name=TABLE, bucket_name=BUCKET), grant)
    lists = [one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]] for one in found]
    named = [text(resource) for one in lists for resource in one]
    table = "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:"
    bucket = f"arn:<AWS::Partition>:s3:::{BUCKET}/"
    assert named == [f"{table if one.startswith('table/') else bucket}{one}".rstrip("/") for one in expected]


def test_names_may_be_imported() -> None:
    """Exports of another stack, which CloudFormation alone knows."""
    imported = DeployedTenant(table_name=cdk.Fn.import_value("Table"), bucket_name=cdk.Fn.import_value("Bucket"))
    assert "Fn::ImportValue" in str(statements(new_stack(), imported, "grant_read"))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"table_name": "a"}, 'table_name must be a table\'s name: .*, got "a"; '),
        ({"table_name": "arn:aws:dynamodb:eu-central-1:111111111111:table/x"}, "table_name must be a table's name"),
        ({"bucket_name": "s3://mail"}, "bucket_name must be a bucket's name"),
        ({"bucket_name": None}, "bucket_name must be"),
        ({"encryption_key": KEY}, "encryption_key must be an IKey"),
    ],
)
def test_wrong_names_are_refused(given: dict[str, Any], problem: str) -> None:
    """With the value and what to do, before anything is let in."""
    with pytest.raises(ValueError, match=f"^deployed tenant: {problem}"):
        DeployedTenant(**{"table_name": TABLE, "bucket_name": BUCKET, **given})
