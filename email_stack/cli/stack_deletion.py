"""Deletes a stack that the config does not know, or no longer: the CDK deletes only what it synthesizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from email_stack.cli.output import CommandError, ExitCode
from email_stack.operations.aws import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

__all__ = ["delete_stack"]


def delete_stack(cloudformation: CloudFormationClient, stack: str, *, last: bool = True) -> bool:
    """Delete the stack, and wait for it; whether it is gone.

    Raises:
        CommandError: it is not, and it is the last try.
        AwsError: AWS refused.
    """
    from botocore.exceptions import WaiterError  # noqa: PLC0415 - see email_stack.operations.aws

    with aws_errors(f"stack {stack}: cannot be deleted"):
        stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack_id)
        try:
            cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=stack_id, WaiterConfig={"Delay": 2, "MaxAttempts": 600}
            )
        except WaiterError as error:
            if not last:
                return False
            reason = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0].get(
                "StackStatusReason", str(error)
            )
            raise CommandError(f"cannot delete {stack}", reason, ExitCode.CDK_FAILED) from error
    return True
