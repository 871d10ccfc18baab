"""A report as it is printed: complete, and harmless whatever a name server said."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from constructs_lib.records import DnsRecord, Purpose
from email_stack.cli.report_view import changes, print_report, report_json, summary
from email_stack.dnscheck.model import Finding, Observation, Report, SesState, Status

RECORD = DnsRecord(name="post.acme.example", type="MX", values=("10 mx.aws.example",), purpose=Purpose.INBOUND)
OPTIONAL = DnsRecord(
    name="x.post.acme.example", type="TXT", values=("v=x",), purpose=Purpose.TLS_REPORTS, required=False
)
SES = SesState(identity="SUCCESS", dkim="PENDING", mail_from="NOT_STARTED")
WRONG = Finding(
    record=RECORD,
    status=Status.WRONG,
    seen=(
        Observation(server="ns1.acme.example", address="192.0.2.1", values=("10 [bold]evil\x1b[31m.example",)),
        Observation(server="ns2.acme.example", address="192.0.2.2", values=("10 [bold]evil\x1b[31m.example",)),
        Observation(server="ns3.acme.example", address="", problem="has no address"),
        Observation(server="resolver", address="192.0.2.53"),
    ),
    fix="Change it.",
)
REPORT = Report(
    subdomain="post.acme.example",
    findings=(WRONG, Finding(record=OPTIONAL, status=Status.MISSING, fix="Add it.")),
    ses=SES,
)


def printed(report: Report, width: int = 100) -> str:
    """The output for a terminal of that width, with colours."""
    out = io.StringIO()
    print_report("acme", report, Console(file=out, width=width, force_terminal=True, highlight=False, _environ={}))
    return out.getvalue()


def test_report_says_everything() -> None:
    """Expected, seen by whom, and what to do; optional records are marked; the last line counts."""
    out = io.StringIO()
    print_report("acme", REPORT, Console(file=out, width=120, highlight=False))
    text = " ".join(out.getvalue().split())
    assert text.startswith(
        "acme: post.acme.example wrong wrong MX post.acme.example expected 10 mx.aws.example seen 10 [bold]"
    )
    assert "by ns1.acme.example (192.0.2.1), ns2.acme.example (192.0.2.2)" in text
    assert "has no address by ns3.acme.example" in text
    assert "nothing by resolver (192.0.2.53)" in text
    assert "fix Change it." in text
    assert "missing TXT x.post.acme.example (optional)" in text
    assert text.endswith(
        "1 required record: 1 wrong; 1 optional: 1 missing; SES: identity SUCCESS, DKIM PENDING, MAIL FROM NOT_STARTED"
    )


def test_values_from_dns_do_nothing_to_a_terminal() -> None:
    """Control characters are shown by number, and markup is text."""
    text = printed(REPORT)
    assert "evil\\x1b[31m" in text.replace("\n", "")
    assert "\x1b[31m.example" not in text
    assert "[bold]" in text


def test_narrow_terminal_loses_nothing() -> None:
    """Long values are folded, not cut."""
    long = replace(WRONG, record=replace(RECORD, values=("10 " + "a" * 60 + ".example",)))
    lines = printed(Report(subdomain=REPORT.subdomain, findings=(long,)), width=40).replace(" ", "").replace("\n", "")
    assert "a" * 60 in lines


def test_json_holds_the_same() -> None:
    """One object a record, values as they were seen."""
    document = json.loads(json.dumps(report_json("acme", REPORT)))
    assert (document["tenant"], document["status"]) == ("acme", "wrong")
    assert document["ses"] == {"identity": "SUCCESS", "dkim": "PENDING", "mail_from": "NOT_STARTED"}
    assert document["records"][0]["seen"][0]["values"] == ["10 [bold]evil\x1b[31m.example"]
    assert document["records"][1]["required"] is False
    assert report_json("acme", replace(REPORT, ses=None))["ses"] is None


def test_changes_between_two_rounds() -> None:
    """First everything, then what is different."""
    fixed = replace(
        REPORT, findings=(replace(WRONG, status=Status.OK), REPORT.findings[1]), ses=replace(SES, dkim="SUCCESS")
    )
    assert changes(None, REPORT) == [
        "post.acme.example MX: wrong",
        "x.post.acme.example TXT: missing",
        "SES: identity SUCCESS, DKIM PENDING, MAIL FROM NOT_STARTED",
    ]
    assert changes(REPORT, fixed) == [
        "post.acme.example MX: wrong -> ok",
        "SES: identity SUCCESS, DKIM SUCCESS, MAIL FROM NOT_STARTED",
    ]
    assert changes(fixed, fixed) == []


def test_summary_without_optional_records() -> None:
    """Nothing is said of what is not there."""
    assert summary(Report(subdomain="s", findings=(replace(WRONG, status=Status.OK),))) == "1 required record: 1 ok"
