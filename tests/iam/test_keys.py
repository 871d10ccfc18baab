"""All permitted users of an encrypted resource may use its key, and no other principal may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.examples import EXAMPLES, synthesized_example
from tests.iam.deployed import Deployment
from tests.iam.evaluator import Request, decisions
from tests.iam.keys import OTHER_ACCOUNT, encrypted, roles_without_key, services, services_without_key, uses

pytestmark = pytest.mark.slow


@pytest.fixture(params=EXAMPLES, scope="module")
def documented(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The stacks of a page's program."""
    templates = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in synthesized_example(request.param, tmp_path_factory).glob("*.template.json")
    }
    assert templates
    return Deployment(templates)


def test_documented_roles_and_services_have_their_keys(documented: Deployment) -> None:
    """Every role may use the key of each topic, bucket, queue and table it works with, and so may every service."""
    assert roles_without_key(documented) == []
    assert services_without_key(documented) == []


def test_every_role_and_service_of_the_platform_has_its_keys(templates: dict[str, Any]) -> None:
    """Cells and tenants with keys of their own making; the scanners publish to each tenant's topic."""
    deployment = Deployment(templates)
    assert {thing.service for thing in encrypted(deployment)} >= {"sns"}
    assert len({(role.stack, thing.arn) for role, thing, _action in uses(deployment)}) >= 5
    assert roles_without_key(deployment) == []
    assert services_without_key(deployment) == []


def test_no_service_uses_a_key_for_others(templates: dict[str, Any], documented: Deployment) -> None:
    """For another account, each is refused."""
    for deployment in (Deployment(templates), documented):
        assert len(services_without_key(deployment, account=OTHER_ACCOUNT)) == len(services(deployment))
    assert services(Deployment(templates))


def test_nobody_uses_a_key_by_itself(documented: Deployment) -> None:
    """A role uses it through the service of what is encrypted: KMS itself, asked by the role, refuses."""
    policies = {arn: one["KeyPolicy"] for _stack, arn, one in documented.of_type("AWS::KMS::Key")}
    requests = [
        Request(
            principal=role.session,
            action="kms:Decrypt",
            resource=key,
            identity=role.policies,
            resource_policy=policy,
            context={"aws:PrincipalArn": role.arn},
        )
        for role in documented.roles
        for key, policy in policies.items()
    ]
    assert not any(decisions(requests))
