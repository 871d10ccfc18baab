"""What is compared with a deployment where the cell, or what is deployed, is in another account than the credentials'."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from email_stack.cli.judging import Judgement, judged_deployment
from email_stack.cli.output import CommandError, ExitCode
from email_stack.config import load
from email_stack.dnscheck.model import Endpoint
from email_stack.transitions import Risk, RiskKind
from emulator import Emulator
from tests.nameservers import Internet

OURS: Final = "000000000000"
THEIRS: Final = "222222222222"
CLOSED: Final = "333333333333"
REGION: Final = "eu-central-1"
DOMAIN: Final = "post.acme.example"
STACK: Final = "Tenant-acme"
NOBODY: Final = Endpoint("127.0.0.1", 9)


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """The stack of a tenant whose identity is of the domain."""
    identity = {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": DOMAIN}}
    return {"Resources": {"Identity": identity, **resources}}


TABLE: Final = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    },
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Three accounts: in the second one, a tenant is deployed, and a role for look-ups trusts the first."""
    with Emulator(enforce_iam=True) as running:
        theirs = (THEIRS, "test")
        iam = running.client("iam", REGION, credentials=theirs)
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OURS}:root"}, "Action": "sts:AssumeRole"}
        reads = {"Effect": "Allow", "Action": ["cloudformation:*"], "Resource": "*"}
        for region in (REGION, "eu-west-1"):
            role = f"cdk-hnb659fds-lookup-role-{THEIRS}-{region}"
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=_policy(trust))
            iam.put_role_policy(RoleName=role, PolicyName="reads", PolicyDocument=_policy(reads))
        stacks = running.client("cloudformation", REGION, credentials=theirs)
        stacks.create_stack(StackName=STACK, TemplateBody=json.dumps(template(Table=TABLE)))
        stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        yield running


@pytest.fixture
def ours(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the first account."""
    for name, value in emulator.environment(REGION).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers that run."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        yield running


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def judged(
    folder: Path,
    cell: dict[str, Any],
    others: dict[str, Any] | None = None,
    resolver: Endpoint = NOBODY,
    *,
    tenant_id: str = "acme",
    every: bool = False,
) -> Judgement:
    """Risks of the tenant's deployment in a cell without its table."""
    tenant = {"id": tenant_id, "subdomain": DOMAIN, "cell": "one", "live": False}
    path = folder / "tenants.yaml"
    path.write_text(json.dumps({"cells": {"one": cell, **(others or {})}, "tenants": [tenant]}))
    account = cell.get("account", "${AWS::AccountId}")
    arn = f"arn:${{AWS::Partition}}:iam::{account}:role/cdk-hnb659fds-lookup-role-{account}-{cell['region']}"
    stacks = ["Cell-one", f"Tenant-{tenant_id}"]
    manifest = {name: {"properties": {"lookupRole": {"arn": arn}}} for name in stacks}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": manifest}))
    for name, made in zip(stacks, ({"Resources": {}}, template()), strict=True):
        (folder / f"{name}.template.json").write_text(json.dumps(made))
    return judged_deployment(
        load(path), None if every else [tenant_id], stacks, folder, account=OURS, resolver=resolver, port=53
    )


def found(judgement: Judgement) -> list[tuple[str, RiskKind, bool]]:
    """Risks without their texts."""
    return [(name, one.kind, one.refused) for name, all_ in judgement.found.items() for one in all_]


def refusal(judgement: Judgement) -> str:
    """The command's refusal."""
    with pytest.raises(CommandError) as caught:
        judgement.refuse()
    assert caught.value.code is ExitCode.REFUSED
    return caught.value.text


def test_what_can_be_moved_is_no_refusal_of_move() -> None:
    """Of `deploy` it is, and of both what there is no way around."""
    moved, lost = (
        Risk(kind=RiskKind.RULES, text=text, refused=True, steps=("so",), movable=text == "moves")
        for text in ("moves", "goes")
    )
    told = Risk(kind=RiskKind.LEFT, text="stays", refused=False)
    Judgement(found={STACK: (moved, told)}).refuse(moving=True)
    assert f"{STACK}: moves. " in refusal(Judgement(found={STACK: (moved, told)}))
    with pytest.raises(CommandError) as caught:
        Judgement(found={STACK: (moved, lost, told)}).refuse(moving=True)
    assert caught.value.text == f"{STACK}: goes. Nothing was deployed. The safe way:\n  1. so"


@pytest.mark.usefixtures("ours")
def test_a_cell_of_another_account_is_compared(tmp_path: Path) -> None:
    """By the role that the CDK takes for look-ups, which its stacks name."""
    judgement = judged(tmp_path, {"region": REGION, "account": THEIRS})
    assert found(judgement) == [(STACK, RiskKind.DATA, True)]
    assert "its table Table is left behind" in refusal(judgement)


@pytest.mark.usefixtures("ours")
def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    """With whose credentials would do, and how these may."""
    judgement = judged(tmp_path, {"region": REGION, "account": CLOSED})
    assert found(judgement) == [("Cell-one", RiskKind.UNREAD, True)]
    said = refusal(judgement)
    assert f"the stacks in its account {CLOSED} could not be compared with the credentials of {OURS}: role " in said
    assert f"cdk bootstrap --trust {OURS} aws://{CLOSED}/{REGION}" in said


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(
    ("cell", "others", "place"),
    [
        ({"region": "eu-west-1", "account": THEIRS}, {}, f"{REGION} of account {THEIRS}"),
        ({"region": REGION}, {"two": {"region": "eu-west-1", "account": THEIRS}}, f"{REGION} of account {THEIRS}"),
    ],
)
def test_a_tenant_is_found_in_other_accounts_and_regions(
    tmp_path: Path, cell: dict[str, Any], others: dict[str, Any], place: str
) -> None:
    """In another region of its cell's account, and in the account of any other cell of the config."""
    judgement = judged(tmp_path, cell, others)
    assert found(judgement) == [(STACK, RiskKind.DATA, True)]
    assert f"{STACK}: it is deployed in {place}, with all its mail" in refusal(judgement)


@pytest.mark.usefixtures("ours")
def test_an_account_that_was_not_looked_at_is_told(tmp_path: Path) -> None:
    """Cells whose credentials are kept apart do not stand in each other's way."""
    judgement = judged(tmp_path, {"region": REGION}, {"two": {"region": REGION, "account": CLOSED}})
    assert found(judgement) == [(STACK, RiskKind.UNREAD, False)]
    (line,) = judgement.lines(forced=False)
    assert line.startswith(f"{STACK}: whether it is deployed in account {CLOSED} of another cell was not looked at")
    judgement.refuse()


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(
    ("exchange", "refused"), [("inbound-smtp.eu-west-1.amazonaws.com", True), ("mx.acme.example", False), (None, False)]
)
def test_mail_that_is_led_to_ses_already(
    tmp_path: Path, internet: Internet, exchange: str | None, refused: bool
) -> None:
    """Deployed where no credentials show it: its MX tells. One that leads elsewhere, or none, is a new tenant's."""
    internet.serve("acme.example", f"{DOMAIN}. 60 IN MX 10 {exchange}.\n" if exchange else "", internet.customer)
    internet.flush()
    judgement = judged(tmp_path, {"region": REGION}, None, Endpoint(internet.resolver.address, internet.resolver.port))
    assert found(judgement) == ([(STACK, RiskKind.DATA, True)] if refused else [])
    if refused:
        assert f"the MX of {DOMAIN} leads its mail to SES in eu-west-1 already" in refusal(judgement)


@pytest.mark.usefixtures("ours")
def test_a_tenant_of_another_id_is_found_by_its_subdomain(tmp_path: Path) -> None:
    """Before its deployment fails halfway; and with --all, whoever the config has no more is named."""
    cell = {"region": REGION, "account": THEIRS}
    judgement = judged(tmp_path, cell, tenant_id="renamed")
    assert found(judgement) == [("Tenant-renamed", RiskKind.DATA, True)]
    said = refusal(judgement)
    assert "Tenant-renamed: its subdomain is deployed as tenant acme, with all its mail" in said
    assert "1. write the id as it was, acme and not renamed" in said
    every = judged(tmp_path, cell, tenant_id="renamed", every=True)
    assert found(every)[0] == ("Cell-one", RiskKind.LEFT, False)
    (line,) = every.lines(forced=False)
    assert line.startswith("Cell-one: 1 stack of tenants that the config has no more: Tenant-acme; ")
