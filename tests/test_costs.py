"""docs/cost.md is what the templates cost by AWS's prices, and every resource has a price or is said to be free."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks.store import Case, filed, typed
from benchmarks.store import measured as measure
from email_stack.costs.__main__ import PAGE, templates
from email_stack.costs.idle import idle_items
from email_stack.costs.page import figures, written
from email_stack.costs.prices import Price
from email_stack.costs.store import measured
from email_stack.costs.usage import dollars, sending
from mailroom.store.writer import INLINE_OCTETS
from tests.mailroom.store.conftest import mail

Templates = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


@pytest.fixture(scope="module")
def made() -> Templates:
    """A cell, a tenant and a settings API of nothing but defaults, synthesized."""
    return templates()


@pytest.mark.slow
def test_page_is_what_the_templates_cost(made: Templates) -> None:
    """Every table and figure of it; `make costs` writes them."""
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, *made) == page


def test_idle_cost_of_a_tenant(made: Templates) -> None:
    """One polled queue, two alarms, its zone and its SES tenant: half of what two queues and five alarms would be."""
    _cell, tenant, _control = made
    counted = {item.what: item.number for item in idle_items(tenant)}
    assert counted == {"a hosted zone": 1, "a queue that Lambda polls": 1, "an alarm": 2, "an SES tenant": 1}
    found = figures(*made)
    assert round(found["tenant-further-zone"], 2) == 0.57
    assert round(found["tenant"] - found["tenant-self-managed"], 2) == 0.50


def test_idle_cost_of_a_cell(made: Templates) -> None:
    """Three polled queues, its alarms, the key, and what the clock starts."""
    cell, _tenant, _control = made
    counted = {item.what: item.number for item in idle_items(cell)}
    assert counted == {
        "a KMS key": 1,
        "an alarm": 13,
        "a queue that Lambda polls": 4,
        "runs of the mirror": 1,
        "runs of the scanner for delivered mail": 1,
        "runs of the writer of address books": 1,
    }


def test_idle_cost_of_a_settings_api(made: Templates) -> None:
    """Its alarms, the metric of its looks, and the looks themselves: some ten cents, however many domains there are."""
    *_others, control = made
    items = {item.what: item for item in idle_items(control)}
    assert {what: item.number for what, item in items.items()} == {
        "an alarm": 8,
        "a metric that each look writes": 1,
        "looks without work": 1,
        "runs of the daily check of customers' domains": 1,
    }
    assert 0.05 < items["looks without work"].dollars < 0.2


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    """A template of one resource."""
    return {"Resources": {"It": {"Type": type_, "Properties": properties}}}


def test_polling() -> None:
    """Five pollers with a maximum concurrency, two without; three receives a minute each."""
    busy = idle_items(resource("AWS::Lambda::EventSourceMapping", ScalingConfig={"MaximumConcurrency": 5}))
    calm = idle_items(resource("AWS::Lambda::EventSourceMapping"))
    assert [round(one.dollars, 4) for one in (*busy, *calm)] == [0.2628, 0.1051]


def test_alarm_on_several_metrics() -> None:
    """Each metric is paid for; an expression is not."""
    metrics = [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a/b"}]
    (alarm,) = idle_items(resource("AWS::CloudWatch::Alarm", Metrics=metrics))
    assert alarm.dollars == pytest.approx(2 * Price.ALARM.of(1))


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (resource("AWS::EC2::NatGateway"), "AWS::EC2::NatGateway has no price"),
        (
            {
                "Resources": {
                    "Rule": {
                        "Type": "AWS::Events::Rule",
                        "Properties": {
                            "ScheduleExpression": "cron(0 12 * * ? *)",
                            "Targets": [{"Arn": {"Fn::GetAtt": ["F", "Arn"]}}],
                        },
                    },
                    "F": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "x"}},
                }
            },
            "schedule must be a rate",
        ),
    ],
)
def test_what_has_no_price(template: dict[str, Any], problem: str) -> None:
    """Is said so, instead of being left out."""
    with pytest.raises(ValueError, match=problem):
        idle_items(template)


def test_page_that_asks_for_something_else(made: Templates) -> None:
    """A misspelt table stays no empty one."""
    for page in ("<!-- idel-cell -->\n<!-- end -->", "<!-- = idel -->"):
        with pytest.raises(ValueError, match='got "idel'):
            written(page, *made)


def test_sum_is_that_of_the_rows() -> None:
    """Readers can add up what is shown."""
    assert dollars(sending()) == pytest.approx(5.00 + 7.50 + 1.13 + 1.00)


def test_costs_of_the_store_are_measured() -> None:
    """What the page reckons with is what the code takes now; `python -m benchmarks.store` measures it anew."""
    assert measure() == measured()


def test_size_from_which_a_document_is_an_object() -> None:
    """What is written to the table costs less up to 8 kB, what is stored there costs more: six weeks make it 4 kB."""
    kilobytes, months = INLINE_OCTETS / 1000, 1.5
    there = Price.TABLE_WRITE.of(kilobytes) + (Price.TABLE_GB.of(1) + Price.BACKUP_GB.of(1)) * kilobytes / 1e6 * months
    apart = Price.S3_WRITE.of(1) + Price.S3_GB.of(1) * kilobytes / 1e6 * months
    assert there == pytest.approx(apart, rel=0.05)
    assert Price.TABLE_WRITE.of(8) == pytest.approx(Price.S3_WRITE.of(1))


def test_most_that_a_stranger_can_make_a_mail_cost() -> None:
    """Files up to the bound of parts, and identifiers, names and recipients up to theirs: what the page says."""
    part = "--b\r\nContent-Type: application/pdf; name=f.pdf\r\n\r\n{}\r\n"
    for files in (999, 5000):
        body = "".join(part.format(number) for number in range(files)) + "--b--"
        found = filed(Case(mail("a", extra=typed("mixed"), body=body)))
        assert (found.stored, found.written) == (1000 + (files > 999), 8)
    wide = "\N{CJK UNIFIED IDEOGRAPH-20BB7}" * 295
    coded = (base64.b64encode(wide[at : at + 10].encode()).decode() for at in range(0, len(wide), 10))
    name = "\r\n ".join(f"=?utf-8?b?{one}?=" for one in coded)
    people = ",\r\n ".join(f"{name} <x{number}@example.net>" for number in range(5))
    raw = mail("a", *[f"r{number}" for number in range(59)], body="\N{CJK UNIFIED IDEOGRAPH-20BB7}" * 1900)
    raw = raw.replace(b"From: Anna <anna@example.net>", f"From: {people}".encode())
    raw = raw.replace(b"support@post.acme.example", b", ".join(b"p%d@example.org" % number for number in range(25)))
    assert filed(Case(raw)).written == 312
