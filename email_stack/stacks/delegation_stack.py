"""The NS record of one tenant in a parent zone of another account."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from constructs import Construct

from constructs_lib.naming import delegation_stack_name
from constructs_lib.records.email import DELEGATION_TTL_SECONDS
from email_stack.stacks.tenant_stack import TenantStack

__all__ = ["DelegationStack"]


class DelegationStack(cdk.Stack):
    """The stack that delegates one tenant's subdomain from a parent zone in another account.

    It is a stack of its own, because CloudFormation writes across accounts only through a custom resource, and tenant stacks have
    none. It depends on the tenant's stack: it is created after the zone and destroyed before it, so that no delegation dangles.
    It reads the name servers from the tenant's outputs. An import would block changes of these outputs while this stack exists.

    Args:
        tenant_stack: the tenant's stack, delegated.
        tenant_id: its tenant.
        parent_hosted_zone_id: zone in the other account.
        delegation_role_arn: role there that lets this account write NS records into it.

    Source: CDK, "Cross Account Zone Delegation".
    """

    def __init__(
        self,
        scope: Construct,
        *,
        tenant_stack: TenantStack,
        tenant_id: str,
        parent_hosted_zone_id: str,
        delegation_role_arn: str,
    ) -> None:
        super().__init__(
            scope,
            delegation_stack_name(tenant_id),
            env=cdk.Environment(account=tenant_stack.account, region=tenant_stack.region)
            if not cdk.Token.is_unresolved(tenant_stack.account)
            else cdk.Environment(region=tenant_stack.region),
            description=f"Delegation of the e-mail subdomain of tenant {tenant_id}",
            tags={"tenant": tenant_id},
        )
        # The export stays in the tenant's template: stacks of older releases import it, until they are deployed anew.
        cdk.CrossStackReferences.of(self).consume(cdk.ReferenceStrength.BOTH)
        cdk.Annotations.of(self).acknowledge_warning(
            "@aws-cdk/core:crossStackReferencesBothTransitional", "the export is kept on purpose, see above"
        )
        zone = tenant_stack.subdomain.zone
        if zone is None:
            raise ValueError(f'tenant "{tenant_id}": delegation needs a zone of ours; set dns: delegated')
        route53.CrossAccountZoneDelegationRecord(
            self,
            "Delegation",
            delegated_zone=zone.zone,
            parent_hosted_zone_id=parent_hosted_zone_id,
            delegation_role=iam.Role.from_role_arn(self, "Role", delegation_role_arn, mutable=False),
            ttl=cdk.Duration.seconds(DELEGATION_TTL_SECONDS),
        )
