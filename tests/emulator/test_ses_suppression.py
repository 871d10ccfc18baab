"""SES's suppression lists: what comes onto which, and what is then not sent."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from .conftest import REGION, Stacks, code_of
from .test_ses_events import Reported

OWN = {"SuppressedReasons": ["BOUNCE", "COMPLAINT"], "SuppressionScope": "TENANT"}


class Sender(Reported):
    """An SES tenant that sends, and what SES tells of its mail."""

    def __init__(self, stacks: Stacks, **suppression: Any) -> None:
        super().__init__(stacks, "BOUNCE", "DELIVERY", tenant=True)
        self.emulator = stacks.emulator
        if suppression:
            self.ses.put_tenant_suppression_attributes(TenantName=self.tenant, **suppression)

    def send(self, *to: str, **more: Any) -> str:
        """Send for the SES tenant."""
        return super().send(*to, TenantName=self.tenant, **more)

    def lose(self, person: str, kind: str = "Complaint") -> None:
        """Send to one who then complains, or whose mailbox is gone."""
        self.emulator.report(self.send(person), kind, REGION)
        self.events()

    def told(self, *people: str) -> list[tuple[str, str, list[str]]]:
        """Send to these; what SES tells of it: event, subtype, whom."""
        self.send(*people)
        details = [one["detail"] for one in self.events()]
        return [
            ("Delivery", "", one["delivery"]["recipients"])
            if "delivery" in one
            else (
                "Bounce",
                one["bounce"]["bounceSubType"],
                [to["emailAddress"] for to in one["bounce"]["bouncedRecipients"]],
            )
            for one in details
        ]

    def listed(self, person: str, *, own: bool = True) -> str:
        """The reason for which a list has them; "" when it has not."""
        of = {"TenantName": self.tenant} if own else {}
        try:
            found = self.ses.get_suppressed_destination(EmailAddress=person, **of)
        except self.ses.exceptions.NotFoundException:
            return ""
        return str(found["SuppressedDestination"]["Reason"])


@pytest.mark.parametrize(("kind", "reason"), [("Complaint", "COMPLAINT"), ("Bounce", "BOUNCE")])
def test_scope_says_whose_list_it_is(stacks: Stacks, kind: str, reason: str) -> None:
    """A tenant's own list has whom it lost, and no other list has; without a scope it is the account's."""
    own, other, shared = Sender(stacks, **OWN), Sender(stacks, **OWN), Sender(stacks)
    own.lose("one@example.net", kind)
    shared.lose("two@example.net", kind)
    assert [own.listed("one@example.net"), other.listed("one@example.net")] == [reason, ""]
    assert own.listed("one@example.net", own=False) == ""
    assert [own.listed("two@example.net", own=False), own.listed("two@example.net")] == [reason, ""]


def test_who_is_listed_gets_nothing(stacks: Stacks) -> None:
    """A bounce says so, and whose list it was; the others of a message get it, and so does everybody of another tenant."""
    own, other = Sender(stacks, **OWN), Sender(stacks, **OWN)
    shared, alike = Sender(stacks), Sender(stacks)
    own.lose("four@example.net")
    shared.lose("five@example.net", "Bounce")
    assert own.told("four@example.net", "six@example.net") == [
        ("Delivery", "", ["six@example.net"]),
        ("Bounce", "OnTenantSuppressionList", ["four@example.net"]),
    ]
    assert other.told("four@example.net", "five@example.net")[0][0] == "Delivery"
    assert alike.told("five@example.net") == [("Bounce", "OnAccountSuppressionList", ["five@example.net"])]
    assert alike.told("four@example.net") == [("Delivery", "", ["four@example.net"])]


def test_reasons_say_what_is_listed(stacks: Stacks) -> None:
    """A bounce is nothing to a list of complaints."""
    complaints = Sender(stacks, SuppressedReasons=["COMPLAINT"], SuppressionScope="TENANT")
    complaints.lose("three@example.net", "Bounce")
    assert complaints.listed("three@example.net") == ""


def test_simulator_comes_onto_no_list(stacks: Stacks) -> None:
    """It can bounce every day."""
    own = Sender(stacks, **OWN)
    own.send("bounce@simulator.amazonses.com")
    assert own.listed("bounce@simulator.amazonses.com") == ""


def test_entries_are_put_listed_and_deleted(stacks: Stacks) -> None:
    """Of one list, by the address as it stands; what is not there, and a tenant that is not there, is an error."""
    own = Sender(stacks, **OWN)
    mine = {"TenantName": own.tenant}
    for address in ("a+b@example.net", "A+b@example.net"):
        own.ses.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE", **mine)
    own.ses.delete_suppressed_destination(EmailAddress="a+b@example.net", **mine)
    found = own.ses.list_suppressed_destinations(**mine)["SuppressedDestinationSummaries"]
    assert [(one["EmailAddress"], one["Reason"]) for one in found] == [("A+b@example.net", "BOUNCE")]
    with pytest.raises(ClientError) as caught:
        own.ses.delete_suppressed_destination(EmailAddress="a+b@example.net", **mine)
    assert code_of(caught) == "NotFoundException"
    with pytest.raises(ClientError) as caught:
        own.ses.list_suppressed_destinations(TenantName="nobody")
    assert code_of(caught) == "NotFoundException"


def test_emulator_starts_with_empty_lists(emulator: Emulator) -> None:
    """In another region nobody was lost."""
    assert emulator.client("sesv2", "eu-west-3").list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
