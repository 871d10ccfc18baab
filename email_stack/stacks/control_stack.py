"""The settings API of a cell."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.buckets import private_bucket
from constructs_lib.bundle import bundle
from constructs_lib.keys import arn_of
from constructs_lib.naming import cell_export, control_stack_name
from email_stack.config import Cell, Config
from email_stack.stacks.cell_stack import ACCESS_LOGS_BUCKET, ALARMS_TOPIC, BOOKS_FUNCTION, TENANT_BOUNDARY
from email_stack.stacks.control_code import image_context
from email_stack.stacks.control_functions import image_of
from email_stack.stacks.keys import imported_key
from email_stack.stacks.removal import removal_policy
from email_stack.stacks.settings_api import SettingsApi, SettingsApiProps
from email_stack.stacks.tenant_deployer import TenantDeployer, TenantDeployerProps
from mailroom.settings.keys import INDEXES
from mailroom.store.keys import EXPIRES, PARTITION, SORT

__all__ = ["TENANT_CODE", "ControlStack"]

TENANT_CODE = ("mailroom.functions.ingest",)
"""Entries of the functions in a tenant's stack; this stack publishes their code."""

_SHELF_DAYS = 90
"""A run whose files have expired begins anew."""


class ControlStack(cdk.Stack):
    """The table of settings with two indexes, the shelf of snapshots and templates, `SettingsApi` and `TenantDeployer`.

    Imports from its cell. Its template depends on the cell, on this project's code, and on the config of tenants with
    `settings: api`, but on no customer's settings.

    Args:
        scope: the app.
        config: the whole config.
        cell: with `control`.

    Raises:
        ValueError: the cell has no `control`.
    """

    def __init__(self, scope: Construct, config: Config, cell: Cell) -> None:
        if cell.control is None:
            raise ValueError(f"cell {cell.id}: must have control; add it to the config")
        super().__init__(
            scope,
            control_stack_name(cell.id),
            env=cdk.Environment(account=cell.account, region=cell.region),
            description=f"Settings API of e-mail cell {cell.id}: customers bring their domains",
            tags={"cell": cell.id},
        )
        key = imported_key(self, cell.encryption)
        alarms = sns.Topic.from_topic_arn(self, "Alarms", _imported(cell, ALARMS_TOPIC))
        table = self._table(cell, key)
        shelf = self._shelf(cell, key)
        context = image_context(config, cell.id)
        functions = image_of(self, "Functions", context, "functions")
        code = [assets.Asset(self, f"Code{number}", path=str(bundle(one))) for number, one in enumerate(TENANT_CODE, 1)]
        api = SettingsApi(
            self,
            "Api",
            SettingsApiProps(
                cell=cell.id,
                control=cell.control,
                table_name=table.ref,
                table_arn=table.attr_arn,
                image=functions,
                alarm_topic=alarms,
                encryption_key=key,
            ),
        )
        TenantDeployer(
            self,
            "Deployer",
            TenantDeployerProps(
                cell=cell.id,
                region=cell.region,
                table_name=table.ref,
                table_arn=table.attr_arn,
                shelf=shelf,
                books_arn=_imported(cell, BOOKS_FUNCTION),
                boundary_arn=_imported(cell, TENANT_BOUNDARY),
                assets=[one.asset_hash for one in code],
                functions=functions,
                synthesis=image_of(self, "SynthesisImage", context, "synthesis"),
                alarm_topic=alarms,
                encryption_key=key,
            ),
        )
        outputs = {"ApiUrl": api.url, "SettingsTableName": table.ref, "ShelfBucketName": shelf.bucket_name}
        if api.domain_target is not None:
            outputs["ApiDomainTarget"] = api.domain_target
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)

    def _table(self, cell: Cell, key: kms.IKey | None) -> dynamodb.CfnTable:
        names = [PARTITION, SORT, *(name for keys in INDEXES.values() for name in keys)]
        table = dynamodb.CfnTable(
            self,
            "Settings",
            billing_mode="PAY_PER_REQUEST",
            attribute_definitions=[
                dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S") for name in names
            ],
            key_schema=_keys((PARTITION, SORT)),
            global_secondary_indexes=[
                dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                    index_name=name,
                    key_schema=_keys(keys),
                    projection=dynamodb.CfnTable.ProjectionProperty(projection_type="KEYS_ONLY"),
                )
                for name, keys in INDEXES.items()
            ],
            point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=True
            ),
            sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS" if key is not None else None, kms_master_key_id=arn_of(key)
            ),
            time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
                attribute_name=EXPIRES, enabled=True
            ),
        )
        table.apply_removal_policy(removal_policy(cell.removal))
        return table

    def _shelf(self, cell: Cell, key: kms.IKey | None) -> s3.Bucket:
        expire = s3.LifecycleRule(
            id="Expire",
            expiration=cdk.Duration.days(_SHELF_DAYS),
            abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
        )
        return private_bucket(
            self,
            "Shelf",
            rules=[expire],
            removal_policy=removal_policy(cell.removal),
            encryption_key=key,
            access_logs=(_imported(cell, ACCESS_LOGS_BUCKET), "settings/"),
        )


def _keys(names: tuple[str, str]) -> list[dynamodb.CfnTable.KeySchemaProperty]:
    return [
        dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type=kind)
        for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
    ]


def _imported(cell: Cell, value: str) -> str:
    return cdk.Fn.import_value(cell_export(cell.id, value))
