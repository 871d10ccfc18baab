"""Turns errors of pydantic and of the rules into problems with a place in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from constructs_lib.names import domain_name
from email_stack.config.control import Control
from email_stack.config.document import Document, KeyPath, kind
from email_stack.config.models import Cell, Quotas
from email_stack.config.problems import Fault, Problem, RuleError, Scalar, closest, shown
from email_stack.config.sections import (
    Access,
    ActiveContent,
    Address,
    Dmarc,
    MtaSts,
    ParentZone,
    Portal,
    Receiving,
    Retention,
    ScannerSettings,
    Scanning,
    Tracking,
)

__all__ = ["Place", "problems_of", "unknown_key"]

_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "parent_zone": ParentZone,
    "access": Access,
    "addresses": Address,
    "dmarc": Dmarc,
    "mta_sts": MtaSts,
    "tracking": Tracking,
    "scanning": Scanning,
    "active_content": ActiveContent,
    "receiving": Receiving,
    "retention": Retention,
    "portal": Portal,
    "quotas": Quotas,
    "scanner": ScannerSettings,
    "control": Control,
}
_NOT_WRITTEN: Final[Mapping[type[BaseModel], frozenset[str]]] = {Cell: frozenset({"id"})}
"""Fields without a key of their own in a file: a cell's id is the key of its mapping."""

_TYPES: Final = {
    "string_type": ("text", "write it in quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "int_type": ("a whole number", "write digits, without quotes"),
    "tuple_type": ("a list", "write it as [a, b], or one item a line after a hyphen"),
    "model_type": ("a mapping", "write it as key: value"),
    "dict_type": ("a mapping", "write it as key: value"),
    "mapping_type": ("a mapping", "write it as key: value"),
}
_SHORT_FORMS: Final[Mapping[str | int, tuple[str, str]]] = {
    "addresses": ("a local part or a mapping", 'write it as "support", or as {local_part: support}'),
    "scanning": ("shared, dedicated or a mapping", "write it as scanning: dedicated, or as key: value"),
    "active_content": ("off, standard, strict or a mapping", "write it as active_content: strict, or as key: value"),
}
_BOUNDS: Final = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


@dataclass(frozen=True, slots=True)
class Place:
    """An object of the config, and its place.

    Args:
        document: its file.
        path: to it in the file's data.
        subject: its name in messages.
        model: its model.
    """

    document: Document
    path: KeyPath
    subject: str
    model: type[BaseModel]

    def where(self) -> str:
        """File and line, for messages of other objects."""
        return f"{self.document.file}:{self.document.position(self.path).line}"

    def problem(self, fault: Fault) -> Problem:
        """The fault, with its place in the file."""
        path = _written(self.document, self.path + fault.path)
        position = self.document.position(path)
        value = fault.value
        if value is None and not fault.silent:
            value = _scalar_at(self.document, path)
        return Problem(
            self.document.file,
            position.line,
            position.column,
            _dotted(path[len(self.path) :]),
            value,
            fault.message,
            fault.remedy,
            self.subject,
        )


def problems_of(place: Place, error: ValidationError) -> Iterator[Problem]:
    """All problems of a validation error."""
    for detail in error.errors(include_url=False):
        for fault in _faults(place, detail):
            yield place.problem(fault)


def unknown_key(key: str, known: Sequence[str], path: KeyPath = ()) -> Fault:
    """The fault of an unknown key."""
    near = closest(key, known)
    remedy = f'did you mean "{near}"?' if near else f"use one of {', '.join(known)}"
    return Fault("is no key that is known here", remedy, path, silent=True)


def _faults(place: Place, detail: ErrorDetails) -> Iterator[Fault]:
    path = tuple(detail["loc"])
    cause = detail.get("ctx", {}).get("error")
    if place.model is Cell and path == ("id",) and isinstance(cause, RuleError):
        # The id is the key of the cell's own mapping.
        yield Fault(f"id {cause.faults[0].message}", cause.faults[0].remedy, (), str(place.path[-1]))
        return
    if isinstance(cause, RuleError):
        for fault in cause.faults:
            whole = Fault(fault.message, fault.remedy, path + fault.path, fault.value, fault.silent)
            yield _outside_subdomain(place, whole) or whole
    else:
        yield _of_pydantic(place, detail, path)


def _of_pydantic(place: Place, detail: ErrorDetails, path: KeyPath) -> Fault:
    code, context, found = detail["type"], detail.get("ctx", {}), detail["input"]
    if code == "extra_forbidden":
        section = next((part for part in reversed(path[:-1]) if isinstance(part, str)), None)
        model = place.model if section is None else _SECTIONS[section]
        known = [name for name in model.model_fields if name not in _NOT_WRITTEN.get(model, frozenset())]
        return unknown_key(str(path[-1]), known, path)
    if code == "missing":
        return Fault("is missing", _remedy_for_missing(str(path[-1])), path, silent=True)
    if code in _TYPES:
        short = next((one for one in reversed(path) if one in _SHORT_FORMS), None) if code == "model_type" else None
        wanted, remedy = _TYPES[code] if short is None else _SHORT_FORMS[short]
        return _of_type(place, wanted, remedy, path, found)
    if code == "literal_error":
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        return _of_choice(choices, path, found)
    if code in _BOUNDS:
        bound, words = _BOUNDS[code]
        return Fault(
            f"must be {words} {context[bound]}", f"use {context[bound]} or {'more' if bound == 'ge' else 'less'}", path
        )
    return Fault(detail["msg"].lower(), "see docs/configuration.md", path)


def _of_type(place: Place, wanted: str, remedy: str, path: KeyPath, found: object) -> Fault:
    if wanted == "text" and isinstance(found, int | float):
        text = place.document.text_at(place.path + path)
        remedy = f'write it in quotes: "{text}"' if text is not None and len(text) <= 40 else remedy
    if found is None or isinstance(found, dict | tuple):
        if found is None:
            remedy = "write a value, or remove the key"
        return Fault(f"must be {wanted}, got {kind(found)}", remedy, path, silent=True)
    return Fault(f"must be {wanted}", remedy, path)


def _of_choice(choices: Sequence[str], path: KeyPath, found: object) -> Fault:
    near = closest(found, choices) or choices[0]
    message = f"must be {choices[0]}" if len(choices) == 1 else f"must be {', '.join(choices[:-1])} or {choices[-1]}"
    if isinstance(found, dict | tuple) or found is None:
        return Fault(f"{message}, got {kind(found)}", f'use "{near}"', path, silent=True)
    if path == ("scanning", "error"):
        return Fault(f"{message} (what was not scanned is never delivered)", 'use "hold" or remove it', path)
    if path == ("scanning", "infected") and found == "deliver":
        return Fault(f"{message} (malware is never delivered)", 'use "strip" to deliver the message without it', path)
    return Fault(message, f'use "{near}"', path)


def _remedy_for_missing(key: str) -> str:
    examples = {
        "id": "acme",
        "subdomain": "post.acme.example",
        "region": "eu-central-1",
        "local_part": "support",
        "hosted_zone_id": "Z0123456789ABCDEFGHIJ",
        "zone_name": "acme.example",
        "target": "d111111abcdef8.cloudfront.net",
        "role_arn": '"arn:aws:iam::123456789012:role/support-inbox"',
        "may": "[read, send]",
        "policy_host": "d111111abcdef8.cloudfront.net",
    }
    return f"add it, as in {key}: {examples[key]}" if key in examples else "add it"


def _outside_subdomain(place: Place, fault: Fault) -> Fault | None:
    """The fault of a whole address in place of a local part, when its domain is not the tenant's."""
    listed = fault.path[:1] in {("addresses",), ("role_addresses",)}
    written = _scalar_at(place.document, _written(place.document, place.path + fault.path)) if listed else None
    if not isinstance(written, str) or "@" not in written:
        return None
    subdomain = _data_at(place.document, (*place.path, "subdomain"))
    if not isinstance(subdomain, str):
        return None
    try:
        own = domain_name(subdomain)
    except RuleError:
        return None
    try:
        inside = domain_name(written.rpartition("@")[2]) == own
    except RuleError:
        inside = False
    if inside:
        return Fault(fault.message, f"write only the part before @: {shown(written.rpartition('@')[0])}", fault.path)
    return Fault(
        f'must be within the subdomain "{own}"', "write only the part before @ of an address there", fault.path
    )


def _written(document: Document, path: KeyPath) -> KeyPath:
    """The path in the file. It ends at a short form, which stands for a whole mapping."""
    for end in range(len(path)):
        if _scalar_at(document, path[:end]) is not None:
            return path[:end]
    return path


def _data_at(document: Document, path: KeyPath) -> Any:
    data: Any = document.data
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _scalar_at(document: Document, path: KeyPath) -> Scalar:
    data = _data_at(document, path)
    return data if isinstance(data, str | int | float | bool) else None


def _dotted(path: KeyPath) -> str:
    dotted = ""
    for part in path:
        if isinstance(part, int):
            dotted += f"[{part}]"
        else:
            plain = part if part.replace("_", "").replace("-", "").isalnum() and len(part) <= 60 else shown(part)
            dotted += f".{plain}" if dotted else plain
    return dotted
