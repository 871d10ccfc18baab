"""A tenant's address book, written to its table by each deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from constructs_lib import rules
from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.checks import FLAG, Rule, check_props, optional, parts, placed
from constructs_lib.faults import shown
from constructs_lib.intrinsics import account_id
from constructs_lib.limits import MOST_BOOK_BYTES, attributes, book_bytes
from constructs_lib.roles import service_role
from constructs_lib.statements import allow_to
from mailroom.addresses import AddressBook
from mailroom.store.address_book import address_book_item
from mailroom.store.keys import BOOK_KEY

__all__ = ["AddressBookWriter", "AddressBookWriterProps"]

_AGAIN: Final = "rate(6 hours)"
_SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressBookWriterProps:
    """What the writer of an address book is made from.

    Args:
        tenant_id: permanent id; the alarm names it.
        book: what to write.
        table_name: of the tenant's messages.
        table_arn: of the same.
        alarm_topic_arn: told when the book cannot be written. Default: None, nobody is.
    """

    tenant_id: str
    book: AddressBook
    table_name: str
    table_arn: str
    alarm_topic_arn: str | None = None


class AddressBookWriter(Construct):
    """Writes the address book as one item of the tenant's table; applications read it with `MessageReader.address_book`.

    Creates 1 state machine of one state, which holds the book and puts it into the table, 1 rule that starts it when the stack
    was deployed and every six hours, a role for each, and 1 alarm. CloudFormation itself cannot write an item, and a tenant's stack
    has no custom resource: nothing here can make a deployment fail or hang. The roles can write this one item, and nothing else.

    Raises:
        ValueError: `tenant_id` is no identifier, the book is bigger than what a state machine hands on, or a text holds `{{` or
            a `${` that is no token (`check_texts`).

    Source: Step Functions developer guide, "Perform DynamoDB CRUD operations with Step Functions"; CloudFormation user guide,
    "Managing events with CloudFormation and Amazon EventBridge".
    """

    def __init__(self, scope: Construct, id: str, props: AddressBookWriterProps) -> None:
        super().__init__(scope, id)
        where = f"address book of tenant {shown(props.tenant_id)}"
        check_props(self, where, _rules(props), props)
        if (octets := book_bytes(props.book)) > MOST_BOOK_BYTES:
            with placed(self):
                raise ValueError(
                    f"{where}: book must take at most {MOST_BOOK_BYTES:,} bytes, got {octets:,} for "
                    f"{len(props.book.addresses):,} addresses; designate fewer, or receive at all with catch_all"
                )
        machine = self._machine(props, attributes(address_book_item(props.book)))
        starts = service_role(
            self,
            "Starting",
            "events.amazonaws.com",
            [allow_to(["states:StartExecution"], machine.attr_arn)],
            condition=_of_this_account(),
        )
        events.CfnRule(
            self,
            "Rule",
            description=f"Writes the address book of {props.tenant_id} after each deployment",
            event_pattern={
                "source": ["aws.cloudformation"],
                "detail-type": ["CloudFormation Stack Status Change"],
                "detail": {"stack-id": [cdk.Aws.STACK_ID], "status-details": {"status": list(_SETTLED)}},
            },
            # New rules may miss the first minute's events.
            schedule_expression=_AGAIN,
            targets=[
                events.CfnRule.TargetProperty(id="Writing", arn=machine.attr_arn, role_arn=starts.attr_arn, input="{}")
            ],
        )
        failing = Threshold(
            namespace="AWS/States",
            metric="ExecutionsFailed",
            dimension=("StateMachineArn", machine.attr_arn),
            statistic="Sum",
            above=0,
            says=f"The address book of {props.tenant_id} could not be written: see the state machine's latest executions.",
        )
        add_alarm(self, "Failing", failing, props.alarm_topic_arn)

    def _machine(self, props: AddressBookWriterProps, item: dict[str, Any]) -> stepfunctions.CfnStateMachine:
        allow = {
            **allow_to(["dynamodb:PutItem"], props.table_arn),
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [BOOK_KEY[0]]}},
        }
        definition = {
            "StartAt": "Write",
            "States": {
                "Write": {
                    "Type": "Task",
                    "Resource": f"arn:{cdk.Aws.PARTITION}:states:::dynamodb:putItem",
                    "Parameters": {
                        "TableName": props.table_name,
                        "Item": {**item, "written": {"S.$": "$$.State.EnteredTime"}},
                    },
                    "Retry": [
                        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 5, "BackoffRate": 2}
                    ],
                    "End": True,
                }
            },
        }
        writes = service_role(self, "Writer", "states.amazonaws.com", [allow], condition=_of_this_account())
        machine = stepfunctions.CfnStateMachine(
            self,
            "Writing",
            definition_string=cdk.Stack.of(self).to_json_string(definition),
            role_arn=writes.attr_arn,
        )
        for rule, reason in (
            (
                "AwsSolutions-SF1",
                "the history of a standard execution is kept for 90 days, without rights to all log groups",
            ),
            ("AwsSolutions-SF2", "one call of one service: there is nothing to trace"),
        ):
            cdk.Validations.of(machine).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
        return machine


def _of_this_account() -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceAccount": account_id()}}


def _rules(props: AddressBookWriterProps) -> dict[str, Rule]:
    subdomain = props.book.subdomain if isinstance(props.book, AddressBook) else ""
    book = {"subdomain": rules.DOMAIN, "addresses": rules.addresses_of(subdomain), "catch_all": FLAG, "live": FLAG}
    return {
        "tenant_id": rules.IDENTIFIER,
        "book": parts(AddressBook, book, "use AddressBook(subdomain=..., addresses=...)"),
        "table_name": rules.TABLE_NAME,
        "table_arn": rules.TABLE_ARN,
        "alarm_topic_arn": optional(rules.TOPIC_ARN),
    }
