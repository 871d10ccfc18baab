"""The tables of docs/cost.md, from templates and prices; the text around them is the document's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from email_stack.costs.control import listing, refusal, writing
from email_stack.costs.idle import Item, idle_items
from email_stack.costs.prices import Price
from email_stack.costs.store import measured
from email_stack.costs.usage import Row, addressed, dollars, events, messages, named, scanning, sending, turn

__all__ = ["figures", "written"]

_BLOCK: Final = re.compile(r"(?P<begin><!-- (?P<name>[a-z-]{1,40}+) -->\n)(?P<body>[^<]*+)(?P<end><!-- end -->)")
_FIGURE: Final = re.compile(r"(?P<begin><!-- = (?P<name>[a-z-]{1,40}+) -->)(?P<body>[0-9.]*+)")

Template = Mapping[str, Any]


def written(page: str, cell: Template, tenant: Template, control: Template) -> str:
    """The page with tables from the templates of a cell, of a delegated tenant, and of a settings API.

    Raises:
        ValueError: the page names an unknown table or figure.
    """
    tables, numbers = _tables(cell, tenant, control), figures(cell, tenant, control)

    def table(found: re.Match[str]) -> str:
        made: str = _known(tables, found["name"])()
        return f"{found['begin']}\n{made}\n\n{found['end']}"

    def figure(found: re.Match[str]) -> str:
        return found["begin"] + f"{_known(numbers, found['name']):.2f}"

    return _FIGURE.sub(figure, _BLOCK.sub(table, page))


def figures(cell: Template, tenant: Template, control: Template) -> dict[str, float]:
    """Figures of the text by name, in dollars."""
    own = idle_items(tenant)
    return {
        "control": _sum(idle_items(control)),
        "settings-refused": dollars(refusal(_answering(control))),
        "cell": _sum(idle_items(cell)),
        "tenant": _sum(own),
        "tenant-further-zone": _sum(idle_items(tenant, zone=Price.FURTHER_ZONE)),
        "tenant-self-managed": _sum([item for item in own if item.what != "a hosted zone"]),
        "scanning": dollars(_scanning(cell)),
        "named": dollars(named(_function(cell, "ScannerSorter"))),
        "addressed": dollars(_addressed(cell, tenant)),
        "messages": dollars(messages(_function(tenant, "Structuring"))),
        "sending": dollars(sending()),
        "event": dollars(events(_function(cell, "Noting"))),
        "event-turn": dollars(turn(_function(cell, "Noting"))),
        "six-events": measured()["its Send, Delivery, open, 3 clicks"].dollars * 1e6,
        "scanning-lambda": sum(row.dollars for row in _scanning(cell)[:1]),
    }


def _tables(cell: Template, tenant: Template, control: Template) -> dict[str, Callable[[], str]]:
    return {
        "prices": _prices,
        "idle-cell": lambda: _idle(idle_items(cell)),
        "idle-tenant": lambda: _idle(idle_items(tenant)),
        "idle-control": lambda: _idle(idle_items(control)),
        "settings-list": lambda: _usage("a list", listing(_answering(control))),
        "settings-write": lambda: _usage("a write", writing(_answering(control))),
        "scanning": lambda: _usage("a message", _scanning(cell)),
        "named": lambda: _usage("a message", named(_function(cell, "ScannerSorter"))),
        "addressed": lambda: _usage("a message", _addressed(cell, tenant)),
        "store": _store,
        "messages": lambda: _usage("a message", messages(_function(tenant, "Structuring"))),
        "sending": lambda: _usage("a message", sending()),
        "events": lambda: _usage("an event", events(_function(cell, "Noting"))),
    }


def _store() -> str:
    rows = [
        f"| {name} | {one.requests:g} | {one.written + one.indexed:g} | {one.read:g} | {one.stored:g} | {one.dollars * 1e6:.2f} |"
        for name, one in measured().items()
    ]
    head = "| one message | requests to DynamoDB | writes | reads | objects | a million |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows])


def _scanning(cell: Template) -> list[Row]:
    return scanning(_function(cell, "ScannerScan"), _function(cell, "ScannerSorter"))


def _addressed(cell: Template, tenant: Template) -> list[Row]:
    return addressed(_function(cell, "ScannerScan"), _function(tenant, "Structuring"))


def _function(template: Template, word: str) -> Mapping[str, Any]:
    """Properties of the one function whose logical id has the word, and that a queue starts."""
    mappings = [one for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    started = {one["Properties"]["FunctionName"]["Ref"] for one in mappings}
    (found,) = [name for name in started if word in name]
    properties: Mapping[str, Any] = template["Resources"][found]["Properties"]
    return properties


def _answering(control: Template) -> Mapping[str, Any]:
    """Properties of the function that answers requests of a settings API."""
    functions = [one["Properties"] for one in control["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    found: Mapping[str, Any]
    (found,) = [one for one in functions if "settings.function" in str(one["ImageConfig"])]
    return found


def _known(named: Mapping[str, Any], name: str) -> Any:
    if name not in named:
        raise ValueError(f'docs/cost.md: must ask for one of {", ".join(named)}, got "{name}"')
    return named[name]


def _prices() -> str:
    rows = [
        f"| {unit.service} | {_price(unit.dollars * unit.shown[0])} a {unit.shown[1]} | "
        f"[page](https://aws.amazon.com/{unit.page}/) |"
        for unit in (price.value for price in Price)
    ]
    return "\n".join(["| what | dollars | price page |", "|---|---|---|", *rows])


def _price(number: float) -> str:
    """The price with all its decimals, at least two."""
    text = f"{number:.10f}".rstrip("0")
    return text if len(text.partition(".")[2]) >= 2 else f"{number:.2f}"


def _idle(items: Sequence[Item]) -> str:
    rows = [f"| {item.number} x {item.what} | {item.dollars:.3f} |" for item in items]
    return "\n".join(["| what is there | a month |", "|---|---:|", *rows, f"| **together** | **{_sum(items):.2f}** |"])


def _sum(items: Sequence[Item]) -> float:
    return sum(item.dollars for item in items)


def _usage(each: str, rows: Sequence[Row]) -> str:
    lines = [f"| {row.what} | {row.each} | {row.dollars + 1e-9:.2f} |" for row in rows]
    return "\n".join(
        [f"| what | {each} | a million |", "|---|---|---:|", *lines, f"| **together** | | **{dollars(rows):.2f}** |"]
    )
