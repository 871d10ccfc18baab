"""Activation of a receipt rule set: every branch of it, against botocore's own models of the SES API."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from mailroom.functions import rule_set_activation as handler
from mailroom.rule_set_activation import ForeignRuleSetError, activate, deactivate

Script = Callable[..., Any]
OURS, OLD, FOREIGN = "email-cell-eu", "email-cell-old", "marketing"
URL = "https://cloudformation-response.example/answer?signature=secret"


class Ses:
    """An SES client that expects exactly the calls it is told, in their order."""

    def __init__(self) -> None:
        self.client = boto3.client("ses", region_name="eu-central-1")
        self.stubber = Stubber(self.client)
        self.stubber.activate()

    def active(self, name: str | None) -> Ses:
        """Expect a look at what is active, and find `name`."""
        answer = {} if name is None else {"Metadata": {"Name": name}, "Rules": []}
        self.stubber.add_response("describe_active_receipt_rule_set", answer, {})
        return self

    def sets(self, name: str | None) -> Ses:
        """Expect `name` to be activated; None deactivates."""
        self.stubber.add_response("set_active_receipt_rule_set", {}, {} if name is None else {"RuleSetName": name})
        return self

    def fails(self, call: str, code: str) -> Ses:
        """Expect a call, and refuse it."""
        self.stubber.add_client_error(call, code, "said SES")
        return self


@pytest.fixture
def ses() -> Any:
    """A scripted client whose whole script must be used."""
    made = Ses()
    yield made
    made.stubber.assert_no_pending_responses()


def test_activates_where_nothing_is_active(ses: Ses) -> None:
    """An empty place is taken, and the result is looked at."""
    ses.active(None).sets(OURS).active(OURS)
    activate(ses.client, OURS)


def test_retry_finds_its_own_set_and_does_nothing(ses: Ses) -> None:
    """A second run of the same request changes nothing."""
    ses.active(OURS)
    activate(ses.client, OURS)


def test_refuses_a_foreign_set(ses: Ses) -> None:
    """A set that is not ours stays active, and the error names it and what to do."""
    ses.active(FOREIGN)
    with pytest.raises(ForeignRuleSetError, match=r'"marketing" is active here.*move its rules'):
        activate(ses.client, OURS)


def test_replaces_the_set_it_renames(ses: Ses) -> None:
    """A rename may replace the old name of the same resource."""
    ses.active(OLD).sets(OURS).active(OURS)
    activate(ses.client, OURS, ours={OLD})


def test_reports_a_lost_race(ses: Ses) -> None:
    """A set that somebody else activates at the same moment is reported."""
    ses.active(None).sets(OURS).active(FOREIGN)
    with pytest.raises(ForeignRuleSetError, match="activated by another party"):
        activate(ses.client, OURS)


@pytest.mark.parametrize(("active", "deactivated"), [(OURS, True), (FOREIGN, False), (None, False)])
def test_deactivates_only_its_own(ses: Ses, active: str | None, deactivated: bool) -> None:
    """On removal, a set that is not ours stays active."""
    ses.active(active)
    if deactivated:
        ses.sets(None)
    assert deactivate(ses.client, OURS) is deactivated


def event(kind: str, **more: Any) -> dict[str, Any]:
    """A custom resource event as CloudFormation sends it."""
    return {
        "RequestType": kind,
        "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:eu-central-1:000000000000:stack/Cell-eu/1",
        "RequestId": "r-1",
        "LogicalResourceId": "Activation",
        "ResourceProperties": {"ServiceToken": "arn", "RuleSetName": OURS},
        **more,
    }


@pytest.fixture
def answers(ses: Ses, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Answers to CloudFormation; the handler's client is the scripted one."""
    sent: list[dict[str, Any]] = []

    def put(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        assert request.get_method() == "PUT"
        assert request.full_url == URL
        assert isinstance(request.data, bytes)
        assert len(request.data) < 4096
        sent.append(json.loads(request.data))
        return io.BytesIO()

    monkeypatch.setattr(urllib.request, "urlopen", put)
    monkeypatch.setattr(boto3, "client", lambda name, config: ses.client)
    return sent


def test_create_is_answered(ses: Ses, answers: list[dict[str, Any]]) -> None:
    """Create activates, and the physical id is the rule set's name."""
    ses.active(None).sets(OURS).active(OURS)
    handler.on_event(event("Create"), None)
    assert answers[0]["Status"] == "SUCCESS"
    assert answers[0]["PhysicalResourceId"] == OURS
    assert {"StackId", "RequestId", "LogicalResourceId"} <= answers[0].keys()


def test_refusal_is_answered_as_failure(ses: Ses, answers: list[dict[str, Any]]) -> None:
    """CloudFormation is told why, instead of waiting for its time-out."""
    ses.active(FOREIGN)
    handler.on_event(event("Create"), None)
    assert answers[0]["Status"] == "FAILED"
    assert '"marketing" is active here' in answers[0]["Reason"]


def test_rollback_of_a_refused_create_leaves_the_foreign_set(ses: Ses, answers: list[dict[str, Any]]) -> None:
    """The Delete that follows a failed Create succeeds and touches nothing."""
    ses.active(FOREIGN)
    handler.on_event(event("Delete", PhysicalResourceId="not-activated"), None)
    assert answers[0]["Status"] == "SUCCESS"


def test_update_may_replace_its_old_name(ses: Ses, answers: list[dict[str, Any]]) -> None:
    """An update from the old name activates the new one as a new physical resource."""
    ses.active(OLD).sets(OURS).active(OURS)
    handler.on_event(event("Update", PhysicalResourceId=OLD, OldResourceProperties={"RuleSetName": OLD}), None)
    assert answers[0] == {**answers[0], "Status": "SUCCESS", "PhysicalResourceId": OURS}


def test_delete_of_the_old_name_after_a_rename_keeps_the_new_one(ses: Ses, answers: list[dict[str, Any]]) -> None:
    """CloudFormation's clean-up after a rename does not deactivate what replaced it."""
    ses.active(OURS)
    handler.on_event(event("Delete", PhysicalResourceId=OLD, ResourceProperties={"RuleSetName": OLD}), None)
    assert answers[0]["Status"] == "SUCCESS"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The handler's pauses between attempts, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
@pytest.mark.parametrize("denied", [1, 5])
def test_a_role_without_its_rights_yet_is_tried_again(
    ses: Ses, answers: list[dict[str, Any]], pauses: list[float], code: str, denied: int
) -> None:
    """A policy that is seconds old is waited for, at either call; what was not done yet is done then."""
    for _attempt in range(denied - 1):
        ses.fails("describe_active_receipt_rule_set", code)
    ses.active(None).fails("set_active_receipt_rule_set", code)
    ses.active(None).sets(OURS).active(OURS)
    handler.on_event(event("Create"), None)
    assert answers[0]["Status"] == "SUCCESS"
    assert pauses == [1, 2, 4, 8, 16][:denied]


def test_a_role_that_stays_without_its_rights_is_answered(
    ses: Ses, answers: list[dict[str, Any]], pauses: list[float]
) -> None:
    """After half a minute, the answer says what is denied; within the function's two minutes."""
    for _attempt in range(6):
        ses.fails("describe_active_receipt_rule_set", "AccessDenied")
    handler.on_event(event("Create"), None)
    assert answers[0]["Status"] == "FAILED"
    assert "AccessDenied" in answers[0]["Reason"]
    assert sum(pauses) == 31


@pytest.mark.parametrize("code", ["Throttling", "RuleSetDoesNotExist"])
def test_failure_of_ses_is_answered(ses: Ses, answers: list[dict[str, Any]], code: str) -> None:
    """Whatever SES answers, CloudFormation gets an answer too."""
    ses.active(None).fails("set_active_receipt_rule_set", code)
    handler.on_event(event("Create"), None)
    assert answers[0]["Status"] == "FAILED"
    assert code in answers[0]["Reason"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"RequestType": "Explode"}, "RequestType must be"),
        ({"ResourceProperties": {}}, "RuleSetName"),
        ({"ResourceProperties": {"RuleSetName": 7}}, "must be the name of a receipt rule set"),
        ({"RequestType": "Update"}, "OldResourceProperties"),
    ],
)
def test_malformed_event_is_answered(answers: list[dict[str, Any]], broken: dict[str, Any], reason: str) -> None:
    """An event that makes no sense fails its resource at once."""
    handler.on_event({**event("Create"), **broken}, None)
    assert answers[0]["Status"] == "FAILED"
    assert reason in answers[0]["Reason"]


def test_long_reason_fits_the_answer(ses: Ses, answers: list[dict[str, Any]]) -> None:
    """CloudFormation takes 4,096 bytes: a longer reason is cut."""
    ses.active("x" * 3000)
    handler.on_event(event("Create"), None)
    assert len(answers[0]["Reason"]) == 1000


def test_answer_is_sent_again_until_it_arrives(
    ses: Ses, answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network fault on the way to CloudFormation is tried again."""
    ses.active(OURS)
    arrives, tries = urllib.request.urlopen, []

    def flaky(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise urllib.error.URLError("reset")
        return arrives(*args, **kwargs)

    monkeypatch.setattr(urllib.request, "urlopen", flaky)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    handler.on_event(event("Create"), None)
    assert len(answers) == 1


def test_undeliverable_answer_raises(ses: Ses, answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that never arrives fails the invocation, so that Lambda runs the request again."""
    ses.active(OURS)

    def down(*args: Any, **kwargs: Any) -> Any:
        raise urllib.error.URLError("down")

    monkeypatch.setattr(urllib.request, "urlopen", down)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(OSError, match="down"):
        handler.on_event(event("Create"), None)


def test_signed_url_is_never_logged(ses: Ses, answers: list[dict[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log cannot answer in our place."""
    ses.active(FOREIGN)
    handler.on_event(event("Create"), None)
    assert "marketing" in caplog.text
    assert "signature=secret" not in caplog.text
