"""The config's keys, as the CDK's: imported, so that their policies stay their owner's."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from constructs import Construct

from email_stack.config.sections import Encryption

__all__ = ["imported_key"]


def imported_key(scope: Construct, encryption: Encryption | None) -> kms.IKey | None:
    """The key that is named; None where none is. What its policy must say: docs/constructs.md."""
    return kms.Key.from_key_arn(scope, "EncryptionKey", encryption.key_arn) if encryption is not None else None
