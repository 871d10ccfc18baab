"""The check of constructs' texts: a template must keep them unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Final

import aws_cdk as cdk

from constructs_lib.literals import NOT_LITERAL, mark_in

__all__ = ["check_texts"]

_TOKEN: Final = re.compile(r"[$#]\{Token\[[A-Za-z0-9:._-]+\]\}")
"""The CDK's own pattern of a token. Source: aws-cdk-lib, core/lib/private/encoding.ts."""

_SHOWN_CHARACTERS: Final = 60
_KNOWN: Final[set[str]] = set()
"""Tokens that the CDK has made in this process."""


def check_texts(where: str, props: object = None, /, **given: object) -> None:
    """Refuse text that a template would change.

    The check reads sequences, mappings (their keys too) and dataclasses. A text may have tokens that the CDK made in this process,
    for values that only CloudFormation knows.

    Args:
        where: start of the error.
        props: a dataclass of arguments. Default: none.
        given: arguments by name.

    Raises:
        ValueError: a text holds `{{`, or a `${` that is no token of the CDK's.
    """
    texts = [found for name, value in {"": props, **given}.items() for found in _texts(name, value)]
    _learn([token for _, text in texts for token in _TOKEN.findall(text)])
    for path, text in texts:
        mark = mark_in(_TOKEN.sub(lambda found: "" if found[0] in _KNOWN else found[0], text))
        if mark:
            shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
            raise ValueError(f'{where}: {path} must hold no "{mark}", {NOT_LITERAL}, got "{shown}"; leave it out')


def _learn(tokens: Sequence[str]) -> None:
    """Remember those of the tokens that the CDK has made."""
    new = [token for token in dict.fromkeys(tokens) if token not in _KNOWN]
    texts = [token for token in new if token.startswith("$")]
    # One call of the CDK's kernel takes as long for hundreds of tokens as for one, so single calls come only after a failure.
    if texts and _is_made("".join(texts)):
        _KNOWN.update(texts)
    else:
        _KNOWN.update(token for token in texts if _is_made(token))
    _KNOWN.update(token for token in new if token.startswith("#") and _is_made_list(token))


def _is_made(text: str) -> bool:
    try:
        cdk.Tokenization.reverse_string(text)
    except RuntimeError:  # jsii's form of the kernel's "Unrecognized token key"
        return False
    return True


def _is_made_list(token: str) -> bool:
    try:
        cdk.Tokenization.reverse_list([token])
    except RuntimeError:
        return False
    return True


def _texts(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Every text in a value, with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield f"a key of {path}", str(key)
            yield from _texts(f"{path}.{key}", item)
    elif isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        for index, item in enumerate(value):
            yield from _texts(f"{path}[{index}]", item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _texts(f"{path}.{field.name}" if path else field.name, getattr(value, field.name))
