"""Finds dynamic references in templates, which CloudFormation would resolve at deployment. Pure.

CloudFormation replaces `{{resolve:ssm:...}}` and the like with the deployer's permissions, in any string of a template. The
platform writes none, so each one is foreign text.

Source: CloudFormation user guide, "Get values stored in other services using dynamic references".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from email_stack.config.problems import shown

__all__ = ["DynamicReferenceError", "check_assembly", "references_in"]

_MARK: Final = "{{resolve:"
_UNKNOWN: Final = "\0"
"""Mark of a value that only CloudFormation knows, within its text."""

_COMPLETED: Final = re.compile(r"\{\{(?:r(?:e(?:s(?:o(?:l(?:ve?)?)?)?)?)?)?\0")
"""A text that an unknown value can complete to a reference."""

_MOST_WORDINGS: Final = 256
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")

Found = tuple[str, str]
"""Path of a reference, and the text from there on."""


class DynamicReferenceError(ValueError):
    """A template has a dynamic reference."""


def check_assembly(outdir: Path) -> None:
    """Check every template that the manifest of a cloud assembly names, nested assemblies and nested stacks included.

    Raises:
        DynamicReferenceError: one line for each reference: stack, path in the template, and text.
    """
    lines = [
        f'stack "{stack}": {path} must hold no dynamic reference, which CloudFormation resolves with the rights of the user that '
        f"deploys, got {shown(text)}; remove it from the stack's sources"
        for stack, template in _templates(outdir)
        for path, text in references_in(template)
    ]
    if lines:
        raise DynamicReferenceError("\n".join(lines))


def references_in(template: Mapping[str, Any]) -> Iterator[Found]:
    """All dynamic references in a template: in values, in keys, and in results of `Fn::Join` and `Fn::Sub`."""
    parameters = template.get("Parameters", {})
    defaults = {name: str(one["Default"]) for name, one in parameters.items() if "Default" in one}
    yield from _Search(defaults, template.get("Mappings", {})).run("", template)


class _Search:
    """One run of `references_in`.

    Args:
        defaults: of the template's parameters, the usual values of a `Ref`.
        mappings: of the template, for `Fn::FindInMap`.
    """

    def __init__(self, defaults: Mapping[str, str], mappings: Mapping[str, Any]) -> None:
        self._defaults = defaults
        self._mappings = mappings

    def run(self, path: str, value: Any) -> Iterator[Found]:
        if isinstance(value, str):
            yield from _in_text(path, value)
        elif isinstance(value, dict):
            inside = list(self._inside(path, value))
            yield from inside
            if not inside and _is_composed(value):
                # Only references that no part has by itself.
                found = next((one for text in self._wordings(value) for one in _in_text(path, text)), None)
                if found is not None:
                    yield found
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.run(f"{path}[{index}]", item)

    def _inside(self, path: str, value: Mapping[str, Any]) -> Iterator[Found]:
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            yield from _in_text(f"{path} (a key)" if path else "a key", key)
            yield from self.run(below, item)

    def _wordings(self, value: Any) -> list[str]:
        """The possible texts of a value, as far as they are known: at most some hundred."""
        if isinstance(value, str | int | float):
            return [str(value)]
        texts = [_UNKNOWN]
        if isinstance(value, dict) and len(value) == 1:
            ((function, argument),) = value.items()
            match function, argument:
                case "Ref", str(name) if name in self._defaults:
                    texts = [self._defaults[name]]
                case "Fn::Join", [str(mark), parts] if (items := _items(parts)) is not None:
                    texts = self._joined([part for item in items for part in (mark, item)][1:])
                case "Fn::If", [_, yes, no]:
                    texts = [*self._wordings(yes), *self._wordings(no)]
                case "Fn::Select", [_, parts] if (items := _items(parts)) is not None:
                    texts = [text for item in items for text in self._wordings(item)]
                case "Fn::FindInMap", [str(name), *_] if name in self._mappings:
                    texts = list(_leaves(self._mappings[name]))
                case "Fn::Sub", str(text):
                    texts = self._substituted(text, {})
                case "Fn::Sub", [str(text), dict(variables)]:
                    texts = self._substituted(text, variables)
        return texts

    def _substituted(self, text: str, variables: Mapping[str, Any]) -> list[str]:
        parts: list[Any] = []
        end = 0
        for found in _VARIABLE.finditer(text):
            name = found[1]
            # `${!name}` is the escaped form of `${name}`.
            part = f"${{{name[1:]}}}" if name.startswith("!") else variables.get(name, {"Ref": name})
            parts += [text[end : found.start()], part]
            end = found.end()
        return self._joined([*parts, text[end:]])

    def _joined(self, parts: Sequence[Any]) -> list[str]:
        texts = [""]
        for part in parts:
            texts = [text + more for text in texts for more in self._wordings(part)][:_MOST_WORDINGS]
        return texts


def _items(parts: Any) -> list[Any] | None:
    """The items of a literal list, or of a split literal text; None of other lists."""
    match parts:
        case list():
            return parts
        case {"Fn::Split": [str(mark), str(text)]} if mark:
            return list(text.split(mark))
    return None


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield str(value)


def _is_composed(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in {"Fn::Join", "Fn::Sub"}


def _in_text(path: str, text: str) -> Iterator[Found]:
    if "{" not in text:
        return
    # An unknown value may be empty, or complete a reference.
    plain = text.replace(_UNKNOWN, "")
    at = plain.lower().find(_MARK)
    if at >= 0:
        yield path, plain[at:]
    elif (completed := _COMPLETED.search(text.lower())) is not None:
        yield path, text[completed.start() :].replace(_UNKNOWN, "…")


def _templates(outdir: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """All stacks of the assembly, each with its template."""
    artifacts = json.loads((outdir / "manifest.json").read_text(encoding="utf-8")).get("artifacts", {})
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        match artifact["type"]:
            case "aws:cloudformation:stack":
                yield properties.get("stackName", name), _read(outdir / properties["templateFile"])
            case "cdk:cloud-assembly":
                yield from _templates(outdir / properties["directoryName"])
            case "cdk:asset-manifest":
                for asset in _read(outdir / properties["file"]).get("files", {}).values():
                    file = asset.get("source", {}).get("path", "")
                    # A stack's own template is listed as well.
                    if file.endswith(".nested.template.json"):
                        yield file.removesuffix(".nested.template.json"), _read(outdir / file)


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read
