"""AWS::SES::Tenant. Ministack has the API of SES tenants, but not the CloudFormation type."""

from __future__ import annotations

import re
from typing import Final

from botocore.exceptions import ClientError

from emulator.extension import upstream
from emulator.extension.upstream import Properties, Provisioned

POLICY: Final = re.compile(r"arn:[a-z0-9-]+:ses:[a-z0-9-]+:aws:reputation-policy/(none|standard|strict)")
"""Source: CloudFormation template reference, "AWS::SES::Tenant ReputationPolicy"."""


def install() -> None:
    """Register the type."""
    upstream.register(
        upstream.ResourceType(
            name="AWS::SES::Tenant",
            properties=frozenset(
                {"ReputationEntity", "ResourceAssociations", "SuppressionAttributes", "Tags", "TenantName"}
            ),
            create=_create,
            update=_update,
            delete=_delete,
            replacing=("TenantName",),
            tags="Tags",
        )
    )


def _create(_logical_id: str, properties: Properties, _stack_name: str) -> Provisioned:
    name = properties["TenantName"]
    _check_reputation(properties)
    suppression = properties.get("SuppressionAttributes")
    created = upstream.client("sesv2").create_tenant(
        TenantName=name,
        Tags=properties.get("Tags") or [],
        **({"SuppressionAttributes": suppression} if suppression else {}),
    )
    try:
        _associate(name, _associations(properties))
    except ClientError:
        _delete(name, {})  # cleaned up here: CloudFormation does not delete a resource that was not created
        raise
    return name, {"Arn": created["TenantArn"]}


def _update(physical_id: str, old: Properties, new: Properties) -> Provisioned:
    ses = upstream.client("sesv2")
    _check_reputation(new)
    for arn in _associations(old) - _associations(new):
        ses.delete_tenant_resource_association(TenantName=physical_id, ResourceArn=arn)
    _associate(physical_id, _associations(new) - _associations(old))
    if new.get("SuppressionAttributes") != old.get("SuppressionAttributes"):
        ses.put_tenant_suppression_attributes(TenantName=physical_id, **(new.get("SuppressionAttributes") or {}))
    arn = ses.get_tenant(TenantName=physical_id)["Tenant"]["TenantArn"]
    tags = {tag["Key"] for tag in new.get("Tags") or []}
    if dropped := [tag["Key"] for tag in old.get("Tags") or [] if tag["Key"] not in tags]:
        ses.untag_resource(ResourceArn=arn, TagKeys=dropped)
    if tags:
        ses.tag_resource(ResourceArn=arn, Tags=new["Tags"])
    return physical_id, {"Arn": arn}


def _delete(physical_id: str, _properties: Properties) -> None:
    try:
        upstream.client("sesv2").delete_tenant(TenantName=physical_id)
    except ClientError as error:
        if not upstream.gone(error, "NotFoundException"):
            raise


def _associate(name: str, arns: set[str]) -> None:
    for arn in sorted(arns):
        upstream.client("sesv2").create_tenant_resource_association(TenantName=name, ResourceArn=arn)


def _associations(properties: Properties) -> set[str]:
    return {association["ResourceArn"] for association in properties.get("ResourceAssociations") or []}


def _check_reputation(properties: Properties) -> None:
    """Check the policy. It has no effect, because the emulator pauses no tenant by itself."""
    entity = properties.get("ReputationEntity") or {}
    upstream.only(frozenset({"Policy"}), entity, "AWS::SES::Tenant ReputationEntity")
    policy = entity.get("Policy")
    if policy is None:
        return
    if not isinstance(policy, dict) or not POLICY.fullmatch(str(policy.get("ReputationEntityPolicy"))):
        raise ValueError(
            f"Model validation failed (#/ReputationEntity/Policy: must match {POLICY.pattern}, got {policy})"
        )
