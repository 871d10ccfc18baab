"""DMARC policy records, as receivers read them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import unquote_to_bytes

__all__ = [
    "STRICTNESS",
    "DmarcRecord",
    "DmarcSyntaxError",
    "Policy",
    "is_dmarc",
    "parse_dmarc",
    "read_dmarc",
    "shortened",
]

Policy = Literal["none", "quarantine", "reject"]
Alignment = Literal["r", "s"]

MAX_CHARACTERS: Final = 65_535
"""Longest TXT record: the length of a record's data is 16 bits. RFC 1035 3.2.1."""

SHOWN_CHARACTERS: Final = 80

_WHITE: Final = " \t"
_VERSION: Final = re.compile(r"[vV][ \t]*+=[ \t]*+DMARC1[ \t]*+(?:;|\Z)")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*+")
STRICTNESS: Final = {"none": 0, "quarantine": 1, "reject": 2}

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+")
_SIZE: Final = re.compile(r"([0-9]{1,20}+)[kmgtKMGT]?+")
_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}+(?<!-)")
_MAX_REMARKS: Final = 5
_MAX_SIZE: Final = 2**64 - 1
_MAX_INTERVAL: Final = 2**32 - 1

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "p": tuple(STRICTNESS),
    "sp": tuple(STRICTNESS),
    "np": tuple(STRICTNESS),
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "t": ("y", "n"),
    "psd": ("y", "n", "u"),
    "rf": ("afrf",),
}
_DECISIVE: Final = frozenset({"p", "sp", "np"})
"""Tags without which, or with an invalid value, receivers apply no policy. Source: RFC 9989 4.10.1."""

_NUMBERS: Final[Mapping[str, int]] = {"pct": 100, "ri": _MAX_INTERVAL}
_REMOVED: Final = ("pct", "rf", "ri")


class DmarcSyntaxError(ValueError):
    """The text is no DMARC policy record, or a record that receivers read without a policy, or in different ways.

    Attributes:
        tag: name of the wrong tag; "" for the record as a whole.
        value: its value, shortened to 80 characters.
    """

    def __init__(self, *, tag: str, value: str, problem: str, remedy: str) -> None:
        self.tag = tag
        self.value = shortened(value)
        where = f"dmarc: {tag}: " if tag else "dmarc: "
        super().__init__(f'{where}{problem}, got "{self.value}"; {remedy}')


@dataclass(frozen=True, kw_only=True, slots=True)
class DmarcRecord:
    """The policies of a record, with defaults filled in.

    Args:
        policy: for failed mail of the domain itself.
        subdomain_policy: for failed mail of subdomains. Default: the policy.
        nonexistent_policy: for failed mail of names that do not exist. Default: the subdomain policy.
        rua: addresses for aggregate reports, percent-encoding undone.
        aspf: "s" when SPF must pass for exactly the domain of the From header.
        adkim: the same for DKIM.
        testing: True when receivers shall not apply the policy.
        public_suffix: True when other parties register names below the domain (psd=y).
        organization: True when the domain is an organization's top domain (psd=n).
        percent: part of failed mail that the policy is for; receivers that follow RFC 9989 ignore it.
        removed: present tags that RFC 9989 removed.
        remarks: tags that receivers ignore, or read as the default: a few sentences without full stops.
    """

    policy: Policy
    subdomain_policy: Policy
    nonexistent_policy: Policy
    rua: tuple[str, ...] = ()
    aspf: Alignment = "r"
    adkim: Alignment = "r"
    testing: bool = False
    public_suffix: bool = False
    organization: bool = False
    percent: int = 100
    removed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def is_dmarc(text: str) -> bool:
    """True when a receiver takes the TXT value for a DMARC record, well-formed or not. Source: RFC 9989 4.8 and 4.10."""
    return _VERSION.match(text) is not None


def parse_dmarc(text: str) -> DmarcRecord:
    """Parse a policy record as receivers read it.

    Receivers ignore malformed and empty tags, and take the default for an invalid value: `remarks` names each, since its author
    meant another value. A record without a policy, or with several readings, is an error. So is a missing `p`, which RFC 9989
    reads as "none" and RFC 7489 as no policy. The order of the tags behind `v` is free.

    Args:
        text: the TXT value, its strings joined.

    Raises:
        DmarcSyntaxError: not a DMARC record, not ASCII, a tag is doubled, `p` is missing, or `p`, `sp` or `np` is no policy.

    Source: RFC 9989 4.7, 4.8 and 4.10.1; RFC 6376 3.2 for doubled tags; RFC 7489 6.3 for pct, rf and ri.
    """
    tags, remarks = _tags(text, strict=True)
    for name in [*tags]:
        fault = _fault(name, tags[name])
        if fault and name in _DECISIVE:
            raise DmarcSyntaxError(tag=name, value=tags[name], problem=fault, remedy="correct it")
        if fault:
            remarks.append(f'{name} is ignored, as it {fault}, got "{shortened(tags[name])}"')
    if not tags.get("p"):
        raise DmarcSyntaxError(tag="p", value=text, problem="missing", remedy="write the policy behind v=DMARC1")
    return _record(tags, remarks)


def read_dmarc(text: str) -> DmarcRecord:
    """Read a text that receivers take for a record (`is_dmarc`), as they do. Raises nothing for broken records.

    Receivers ignore errors, and take the first of doubled tags. Without `p`, or with an invalid `p`, `sp` or `np`, the policy is
    "none".

    Source: RFC 9989 4.8 and 4.10.1.
    """
    tags, _ = _tags(text[:MAX_CHARACTERS], strict=False)
    if not tags.get("p") or any(_fault(name, tags[name]) for name in _DECISIVE & tags.keys()):
        tags |= dict.fromkeys(_DECISIVE, "none")
    return _record(tags, [])


def _record(tags: Mapping[str, str], remarks: list[str]) -> DmarcRecord:
    """The record of these tags, of which `p` is valid."""
    rua = _addresses("rua", tags.get("rua"), remarks)
    _addresses("ruf", tags.get("ruf"), remarks)
    chosen = {name: value.lower() for name, value in tags.items() if value and not _fault(name, value)}
    policy = chosen["p"]
    subdomain_policy = chosen.get("sp", policy)
    return DmarcRecord(
        policy=cast("Policy", policy),
        subdomain_policy=cast("Policy", subdomain_policy),
        nonexistent_policy=cast("Policy", chosen.get("np", subdomain_policy)),
        rua=rua,
        aspf=cast("Alignment", chosen.get("aspf", "r")),
        adkim=cast("Alignment", chosen.get("adkim", "r")),
        testing=chosen.get("t") == "y",
        public_suffix=chosen.get("psd") == "y",
        organization=chosen.get("psd") == "n",
        percent=int(chosen.get("pct", "100")),
        removed=tuple(name for name in _REMOVED if name in tags),
        remarks=_few(remarks),
    )


def _tags(text: str, *, strict: bool) -> tuple[dict[str, str], list[str]]:
    """Tag names in lower case and their values, "" for an empty one, in the order written; and remarks on invalid tags.

    The first of doubled tags counts. With `strict`, doubled tags, forbidden characters and a text that is no record are errors.
    """
    if strict:
        _check(text)
    parts = text.split(";")
    if len(parts) > 1 and not parts[-1].strip(_WHITE):
        parts.pop()
    tags: dict[str, str] = {}
    remarks: list[str] = []
    for part in parts:
        written, equals, value = (piece.strip(_WHITE) for piece in part.partition("="))
        name = written.lower()
        if not written and not equals:
            remarks.append("a semicolon too many is ignored")
        elif not _NAME.fullmatch(written) or not equals:
            remarks.append(f'"{shortened(part.strip(_WHITE))}" is ignored, as it is no tag, = and a value')
        elif name in tags and strict:
            raise DmarcSyntaxError(tag=shortened(name), value=value, problem="stands twice", remedy="keep one")
        elif name not in tags:
            if not value:
                remarks.append(f"{shortened(name)} is ignored, as it is empty")
            tags[name] = value
    return tags, remarks


def _check(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise DmarcSyntaxError(tag="", value=text, problem="longer than any TXT record", remedy="shorten it")
    odd = next((character for character in text if not (" " <= character <= "~" or character == "\t")), None)
    if odd is not None:
        raise DmarcSyntaxError(
            tag="", value=ascii(odd)[1:-1], problem="must be visible ASCII", remedy="percent-encode it"
        )
    if not is_dmarc(text):
        raise DmarcSyntaxError(
            tag="v", value=text, problem="must be DMARC1 and stand first", remedy="start with v=DMARC1;"
        )


def _fault(name: str, value: str) -> str:
    """Fault of a tag's value; "" for a valid value, an empty one, and a list of addresses."""
    if not value:
        return ""
    if name in _CHOICES and value.lower() not in _CHOICES[name]:
        return f"must be {' or '.join(_CHOICES[name])}"
    if name in _NUMBERS and not _is_number(value, _NUMBERS[name]):
        return f"must be a whole number up to {_NUMBERS[name]}"
    if name == "fo":
        options = [option.strip(_WHITE).lower() for option in value.split(":")]
        if not {"0", "1", "d", "s"}.issuperset(options) or len({*options}) < len(options) or {"0", "1"} <= {*options}:
            return "must be 0, 1, d, s, each once and 0 not beside 1"
    return ""


def _few(remarks: list[str]) -> tuple[str, ...]:
    """The first few remarks, each once, and the count of the others."""
    distinct = list(dict.fromkeys(remarks))
    more = len(distinct) - _MAX_REMARKS
    return tuple([*distinct[:_MAX_REMARKS], f"{more} more tags are ignored"] if more > 0 else distinct)


def _is_number(value: str, highest: int) -> bool:
    # The count of digits comes first: int() is slow for thousands of digits, and fails for more.
    return value.isdecimal() and len(value) <= len(str(highest)) and int(value) <= highest


def _addresses(tag: str, value: str | None, remarks: list[str]) -> tuple[str, ...]:
    """Addresses of the mailto URIs; other URIs are valid, but receivers may ignore them. Adds remarks on invalid ones."""
    found: list[str] = []
    for item in (part.strip(_WHITE) for part in value.split(",")) if value else ():
        address, fault = _address(item)
        if fault:
            remarks.append(f'an address in {tag} is ignored, as it {fault}, got "{shortened(item)}"')
        elif address:
            found.append(address)
    return tuple(found)


def _address(item: str) -> tuple[str, str]:
    """Address of a mailto URI, "" for other URIs; and the fault of an invalid URI, "" without one."""
    uri, mark, size = item.partition("!")
    sized = _SIZE.fullmatch(size)
    if mark and (sized is None or int(sized[1]) > _MAX_SIZE):
        return "", "has a size behind ! that is no number and k, m, g or t"
    if not _URI.fullmatch(uri):
        return "", "must be a URI such as mailto:name@domain"
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return "", ""
    local, _, domain = rest.partition("?")[0].partition("@")
    try:
        name = unquote_to_bytes(local).decode()
    except UnicodeDecodeError:
        name = ""
    if not name.isprintable() or not name or not _is_domain(domain):
        return "", "must hold one address, as in mailto:name@domain"
    return f"{name}@{domain}", ""


def _is_domain(text: str) -> bool:
    labels = text.split(".")
    return len(text) <= 253 and len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)


def shortened(text: str) -> str:
    """The text, or its first 80 characters."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
