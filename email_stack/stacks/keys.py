"""The config's KMS keys, imported into the CDK, so that their owner keeps their policies."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from constructs import Construct

from email_stack.config.sections import Encryption

__all__ = ["imported_key"]


def imported_key(scope: Construct, encryption: Encryption | None) -> kms.IKey | None:
    """The key of a config; None where it names none. Needed policy: docs/constructs.md."""
    return kms.Key.from_key_arn(scope, "EncryptionKey", encryption.key_arn) if encryption is not None else None
