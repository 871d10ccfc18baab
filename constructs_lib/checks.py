"""Rules of props, and one form of error for a broken rule.

A rule yields a `Broken` for each mistake of a value. Rules of `text` and of ARNs accept tokens, which the CDK uses for values that
only CloudFormation knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

import aws_cdk as cdk
from constructs import Construct

from constructs_lib.faults import RuleError, shown
from constructs_lib.intrinsics import is_token
from constructs_lib.texts import check_texts

__all__ = [
    "FLAG",
    "KEPT_OR_NOT",
    "Broken",
    "Rule",
    "arn",
    "check_props",
    "choice",
    "duration",
    "each",
    "got",
    "instance",
    "interface",
    "literal",
    "matching",
    "normal",
    "optional",
    "parts",
    "placed",
    "problems",
    "text",
    "whole",
]


@dataclass(frozen=True, slots=True)
class Broken:
    """A mistake of a prop, or of a part of it.

    Args:
        message: the rule, such as "must be one label".
        got: the value for the error text; "" when the message says it.
        remedy: the repair.
        path: from the prop to the part, such as "[2].address". Default: the prop itself.
    """

    message: str
    got: str
    remedy: str
    path: str = ""


Rule = Callable[[Any], Iterator[Broken]]


def check_props(
    scope: Construct, subject: str, rules: Mapping[str, Rule], props: object = None, /, **given: object
) -> None:
    """Report all props that break their rule in one error, and refuse text that a template would change (`check_texts`).

    Args:
        scope: the construct; an error begins with its path.
        subject: such as 'tenant "acme"'.
        rules: by the prop's name.
        props: a dataclass of arguments. Default: none.
        given: arguments by name.

    Raises:
        ValueError: one line for each prop that breaks its rule: `place: subject: prop problem, got value; what to do`.
    """
    of_props = {field.name: getattr(props, field.name) for field in fields(props)} if props is not None else {}  # type: ignore[arg-type]
    values = {**of_props, **given}
    with placed(scope):
        check_texts(subject, **values)
        if lines := problems(subject, rules, values):
            raise ValueError("\n".join(lines))


def problems(subject: str, rules: Mapping[str, Rule], values: Mapping[str, object]) -> list[str]:
    """One line for each value that breaks its rule, without the place."""
    return [
        f"{subject}: {name}{broken.path} {broken.message}{f', got {broken.got}' if broken.got else ''}; {broken.remedy}"
        for name, value in values.items()
        if name in rules
        for broken in rules[name](value)
    ]


@contextmanager
def placed(scope: Construct) -> Iterator[None]:
    """Put the construct's path before each line of an error that is raised inside."""
    try:
        yield
    except ValueError as error:
        # Read only here, because each read takes a call of the CDK's kernel.
        place = scope.node.path
        raise ValueError("\n".join(f"{place}: {line}" for line in str(error).split("\n"))) from None


def got(value: object) -> str:
    """The text of a value for an error; for an object, its kind."""
    if isinstance(value, str) and is_token(value):
        return "a token"
    if value is None or isinstance(value, str | int | float):
        return shown(value)
    if isinstance(value, cdk.Duration):
        return "a duration" if value.is_unresolved() else value.to_human_string() or "0 seconds"
    name = type(value).__name__.removeprefix("_").removesuffix("Proxy")
    return _article(name)


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def optional(rule: Rule) -> Rule:
    """None, or a value that keeps the rule."""
    return lambda value: iter(()) if value is None else rule(value)


def normal(rule: Callable[[str], str], example: str, *, tokens: bool = True) -> Rule:
    """Text that keeps a rule of `names` or `values`, in the rule's normal form."""

    def check(value: Any) -> Iterator[Broken]:
        if not isinstance(value, str):
            yield Broken("must be text", got(value), f'use one such as "{example}"')
        elif is_token(value):
            yield from () if tokens else _no_token()
        else:
            try:
                right = rule(value)
            except RuleError as error:
                fault = error.faults[0]
                yield Broken(fault.message, got(value), fault.remedy)
            else:
                if right != value:
                    yield Broken(
                        "must be in its normal form (lower case, A-labels, no trailing dot)",
                        got(value),
                        f'use "{right}"',
                    )

    return check


def text(rule: Callable[[str], str], example: str) -> Rule:
    """Text that keeps a rule, in any form."""

    def right(value: str) -> str:
        rule(value)
        return value

    return normal(right, example)


def literal(rule: Callable[[str], str], example: str) -> Rule:
    """As `normal`, without tokens, because ids, names of constructs and policies are made from it."""
    return normal(rule, example, tokens=False)


def matching(pattern: str, what: str, example: str) -> Rule:
    """Text that matches the whole pattern; the error calls it `what`."""
    compiled = re.compile(pattern, re.ASCII)

    def rule(value: str) -> str:
        if not compiled.fullmatch(value):
            raise RuleError.one(f"must be {what}", f'use one such as "{example}"')
        return value

    return normal(rule, example)


def arn(service: str, resource: str, what: str, example: str) -> Rule:
    """The ARN of one resource of a region, or a token."""
    return matching(
        rf"arn:aws[a-z-]*:{service}:[a-z0-9-]{{1,32}}:[0-9]{{12}}:{resource}",
        f"the ARN of {what}",
        f"arn:aws:{service}:eu-central-1:123456789012:{example}",
    )


def whole(least: int, most: int, why: str = "") -> Rule:
    """A whole number from `least` to `most`; the remedy ends with `why`."""

    def check(value: Any) -> Iterator[Broken]:
        remedy = f"use one such as {least}{f' ({why})' if why else ''}"
        if isinstance(value, bool) or not isinstance(value, int):
            yield Broken(f"must be a whole number of {least} to {most}", got(value), remedy)
        elif not least <= value <= most:
            yield Broken(f"must be {least} to {most}", got(value), remedy)

    return check


def choice(*allowed: str) -> Rule:
    """One of a few words."""

    def check(value: Any) -> Iterator[Broken]:
        if not isinstance(value, str) or value not in allowed:
            yield Broken(f"must be {' or '.join(allowed)}", got(value), f'use "{allowed[0]}"')

    return check


def duration(unit: str, least: int, most: int) -> Rule:
    """A duration of whole `unit` ("days" or "hours"), from `least` to `most`."""

    def check(value: Any) -> Iterator[Broken]:
        remedy = f"use cdk.Duration.{unit}({least}) to cdk.Duration.{unit}({most})"
        message = f"must be a duration of {least:,} to {most:,} whole {unit}"
        if not isinstance(value, cdk.Duration) or value.is_unresolved():
            yield Broken(message, got(value), remedy)
            return
        try:
            amount = value.to_days() if unit == "days" else value.to_hours()
        except RuntimeError:  # jsii's form of the CDK's refusal to round
            yield Broken(message, got(value), remedy)
            return
        if not least <= amount <= most:
            yield Broken(message, got(value), remedy)

    return check


def instance(kind: type, remedy: str) -> Rule:
    """An object of a class."""

    def check(value: Any) -> Iterator[Broken]:
        if not isinstance(value, kind):
            yield Broken(f"must be {_article(kind.__name__)}", got(value), remedy)

    return check


def interface(attribute: str, name: str, remedy: str) -> Rule:
    """A CDK object with one of the CDK's interfaces, such as `IBucket`. An attribute of the interface identifies it.

    Objects of `from_key_arn` and the like have several interfaces, so only the object itself tells their attributes.
    """

    def check(value: Any) -> Iterator[Broken]:
        if not hasattr(type(value), attribute) and not hasattr(value, attribute):
            yield Broken(f"must be an {name}", got(value), remedy)

    return check


def parts(kind: type, rules: Mapping[str, Rule], remedy: str) -> Rule:
    """A dataclass with a rule for each field."""
    is_kind = instance(kind, remedy)

    def check(value: Any) -> Iterator[Broken]:
        broken = list(is_kind(value))
        yield from broken
        if broken:
            return
        for name, rule in rules.items():
            for found in rule(getattr(value, name)):
                yield Broken(found.message, found.got, found.remedy, f".{name}{found.path}")

    return check


def each(rule: Rule, *, least: int = 0, key: Callable[[Any], object] | None = None) -> Rule:
    """A sequence of values that keep the rule; with `key`, their keys must differ."""

    def check(value: Any) -> Iterator[Broken]:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            yield Broken("must be a list", got(value), "write each in brackets, [...]")
            return
        if len(value) < least:
            yield Broken(f"must hold at least {least}", f"{len(value)}", "name one")
        seen: set[object] = set()
        for index, item in enumerate(value):
            broken = list(rule(item))
            if not broken and key is not None:
                if key(item) in seen:
                    broken = [Broken("must differ from the others", f"{got(item)} twice", "name it once")]
                seen.add(key(item))
            for found in broken:
                yield Broken(found.message, found.got, found.remedy, f"[{index}]{found.path}")

    return check


def _flag(value: Any) -> Iterator[Broken]:
    if not isinstance(value, bool):
        yield Broken("must be True or False", got(value), "use True or False")


def _kept_or_not(value: Any) -> Iterator[Broken]:
    allowed = [cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, cdk.RemovalPolicy.RETAIN, cdk.RemovalPolicy.DESTROY]
    if value not in allowed:
        shown_value = str(value) if isinstance(value, cdk.RemovalPolicy) else got(value)
        yield Broken(
            "must be RETAIN_ON_UPDATE_OR_DELETE, RETAIN or DESTROY of cdk.RemovalPolicy",
            shown_value,
            "leave it out to keep what is there",
        )


def _no_token() -> Iterator[Broken]:
    yield Broken("must be known at synthesis", "a token", "write the text itself")


FLAG: Final[Rule] = _flag
KEPT_OR_NOT: Final[Rule] = _kept_or_not
"""A removal policy without snapshots: CloudFormation makes none of buckets, tables and zones."""
