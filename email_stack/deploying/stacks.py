"""A tenant's stack in CloudFormation: its present state, and the calls of each step to a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from email_stack.operations.aws import read_stack
from email_stack.transitions import risks
from mailroom.faults import code_of, fault

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

__all__ = ["Phase", "Stacks", "State", "changes_nothing", "lost_by"]

_STATEFUL: Final = {
    "AWS::DynamoDB::Table",
    "AWS::Route53::HostedZone",
    "AWS::S3::Bucket",
    "AWS::SES::EmailIdentity",
}
_COMPLETE: Final = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_NEVER_MADE: Final = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
_NOTHING_CHANGES: Final = ("didn't contain changes", "no updates are to be performed", "no changes")
_MOST_SAID: Final = 500


class Phase(Enum):
    """State of a stack."""

    ABSENT = "absent"
    """There is no stack, or an empty one of a change set."""
    BUSY = "busy"
    """CloudFormation works on it."""
    COMPLETE = "complete"
    ROLLED_BACK = "rolled back"
    """The last update failed, and the former template is in force."""
    BROKEN = "broken"
    """The creation or the deletion failed: the stack takes no update and can only be deleted."""
    STUCK = "stuck"
    """The update and its rollback failed: an operator must mend the stack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Present state of a stack.

    Args:
        phase: its state.
        outputs: by key.
        change_set: name of the change set that was executed last; "" for none.
    """

    phase: Phase
    outputs: Mapping[str, str]
    change_set: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stacks:
    """Stacks of tenants.

    Args:
        cloudformation: a client.
        role_arn: role with which CloudFormation makes a stack's resources. Default: None, the caller's permissions.
    """

    cloudformation: CloudFormationClient
    role_arn: str | None = None

    def state(self, name: str) -> State:
        """The present state of a stack. Raises MailroomError."""
        try:
            with _faults("cloudformation:DescribeStacks", name):
                stack = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except _MissingError:
            return State(phase=Phase.ABSENT, outputs={})
        return State(
            phase=_phase(stack["StackStatus"]),
            outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
            change_set=stack.get("ChangeSetId", "").partition(":changeSet/")[2].partition("/")[0],
        )

    def refusals(self, name: str, template: Mapping[str, Any]) -> list[str]:
        """Losses of the deployed stack by an update to `template`. Raises MailroomError, AwsError."""
        deployed = read_stack(self.cloudformation, name).template
        return [one.text for one in risks(deployed, template) if one.refused]

    def change_set(self, stack: str, name: str) -> Mapping[str, Any] | None:
        """A change set with all of its changes; None where it does not exist. Raises MailroomError."""
        try:
            with _faults("cloudformation:DescribeChangeSet", stack):
                found: dict[str, Any] = dict(
                    self.cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
                )
                while found.get("NextToken"):
                    more = self.cloudformation.describe_change_set(
                        StackName=stack, ChangeSetName=name, NextToken=found["NextToken"]
                    )
                    found = {
                        **found,
                        "Changes": [*found["Changes"], *more["Changes"]],
                        "NextToken": more.get("NextToken"),
                    }
        except _MissingError:
            return None
        return found

    def propose(self, stack: str, name: str, url: str, tags: Mapping[str, str], *, new: bool) -> None:
        """Create a change set; an existing one of that name stays. Raises MailroomError."""
        role: Any = {"RoleARN": self.role_arn} if self.role_arn else {}
        with _faults("cloudformation:CreateChangeSet", stack):
            try:
                self.cloudformation.create_change_set(
                    StackName=stack,
                    ChangeSetName=name,
                    ChangeSetType="CREATE" if new else "UPDATE",
                    TemplateURL=url,
                    Capabilities=["CAPABILITY_IAM"],
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                    **role,
                )
            except self.cloudformation.exceptions.AlreadyExistsException:
                return

    def execute(self, stack: str, name: str) -> None:
        """Execute a change set. Raises MailroomError."""
        with _faults("cloudformation:ExecuteChangeSet", stack):
            self.cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)

    def discard(self, stack: str, name: str) -> None:
        """Delete a change set. Raises MailroomError."""
        with _faults("cloudformation:DeleteChangeSet", stack):
            self.cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)

    def delete(self, stack: str) -> None:
        """Delete the stack, except for retained resources. Raises MailroomError."""
        role: Any = {"RoleARN": self.role_arn} if self.role_arn else {}
        with _faults("cloudformation:DeleteStack", stack):
            self.cloudformation.delete_stack(StackName=stack, **role)

    def why(self, stack: str) -> str:
        """Reason of the last failure of the stack, in CloudFormation's words. Raises MailroomError."""
        with _faults("cloudformation:DescribeStackEvents", stack):
            events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [
            f"{one.get('LogicalResourceId', '')}: {one.get('ResourceStatusReason', '')}"
            for one in events
            if one.get("ResourceStatus", "").endswith("_FAILED")
            and "cancelled" not in one.get("ResourceStatusReason", "")
        ]
        # Events come latest first: the last one in the list is the cause.
        return (reasons[-1] if reasons else "CloudFormation rolled it back")[:_MOST_SAID]


def lost_by(change_set: Mapping[str, Any]) -> list[str]:
    """Stateful resources that a change set would remove or replace, by CloudFormation's own account."""
    changes = [one.get("ResourceChange", {}) for one in change_set.get("Changes", [])]
    return [
        f"{one.get('LogicalResourceId')} would be {'removed' if one.get('Action') == 'Remove' else 'made anew'}"
        for one in changes
        if one.get("ResourceType") in _STATEFUL and (one.get("Action") == "Remove" or one.get("Replacement") == "True")
    ]


def changes_nothing(change_set: Mapping[str, Any]) -> bool:
    """Whether a change set failed because it has no changes."""
    return any(text in str(change_set.get("StatusReason", "")).lower() for text in _NOTHING_CHANGES)


def _phase(status: str) -> Phase:
    if status == "REVIEW_IN_PROGRESS":
        return Phase.ABSENT
    if status.endswith("_IN_PROGRESS"):
        return Phase.BUSY
    if status in _COMPLETE:
        return Phase.COMPLETE
    if status == "UPDATE_ROLLBACK_FAILED":
        return Phase.STUCK
    if status in _NEVER_MADE:
        return Phase.BROKEN
    return Phase.ABSENT if status == "DELETE_COMPLETE" else Phase.ROLLED_BACK


class _MissingError(Exception):
    """The stack or the change set does not exist."""


@contextmanager
def _faults(action: str, stack: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        # CloudFormation has no error code for a missing stack.
        if code_of(error) == "ChangeSetNotFound" or "does not exist" in str(error):
            raise _MissingError from error
        raise fault(error, action=action, resource=stack) from error
