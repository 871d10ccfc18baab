"""DMARC policy records: what they say, and whether one does what another asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import unquote_to_bytes

__all__ = ["Dmarc", "DmarcSyntaxError", "Policy", "dmarc_difference", "is_dmarc", "parse_dmarc"]

Policy = Literal["none", "quarantine", "reject"]
Alignment = Literal["r", "s"]

MAX_CHARACTERS: Final = 65_535
"""No TXT record is longer: the length of a record's data is 16 bits. RFC 1035 3.2.1."""

SHOWN_CHARACTERS: Final = 80

_WHITE: Final = " \t"
_VERSION: Final = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_STRICTNESS: Final = {"none": 0, "quarantine": 1, "reject": 2}

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+")
_SIZE: Final = re.compile(r"([0-9]{1,20})[kmgtKMGT]?")
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MAX_SIZE: Final = 2**64 - 1
_MAX_INTERVAL: Final = 2**32 - 1

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "p": tuple(_STRICTNESS),
    "sp": tuple(_STRICTNESS),
    "np": tuple(_STRICTNESS),
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "t": ("y", "n"),
    "psd": ("y", "n", "u"),
    "rf": ("afrf",),
}
_NUMBERS: Final[Mapping[str, int]] = {"pct": 100, "ri": _MAX_INTERVAL}
_URIS: Final = frozenset({"rua", "ruf"})
_REMOVED: Final = ("pct", "rf", "ri")
_KNOWN: Final = frozenset({"v", "fo", *_CHOICES, *_NUMBERS, *_URIS})


class DmarcSyntaxError(ValueError):
    """The text is no DMARC policy record, or one that receivers read in different ways.

    Attributes:
        tag: name of the tag that is wrong; "" when it is the record as a whole.
        value: what it holds, shortened to 80 characters.
    """

    def __init__(self, *, tag: str, value: str, problem: str, remedy: str) -> None:
        self.tag = tag
        self.value = _shortened(value)
        where = f"dmarc: {tag}: " if tag else "dmarc: "
        super().__init__(f'{where}{problem}, got "{self.value}"; {remedy}')


@dataclass(frozen=True, kw_only=True, slots=True)
class Dmarc:
    """What a record asks for, defaults filled in.

    Args:
        policy: for mail of the domain itself that fails.
        subdomain_policy: for that of its subdomains; the policy, where the record does not say.
        nonexistent_policy: for that of names that do not exist; the subdomain policy, where the record does not say.
        rua: addresses that aggregate reports are mailed to, percent-encoding undone.
        aspf: "s" when SPF must have passed for the very domain of the From header.
        adkim: the same of DKIM.
        testing: True when receivers are asked not to apply the policy.
        public_suffix: True when the domain says that others register names below it.
        percent: of the mail that fails, how much the policy holds for; receivers that follow RFC 9989 ignore it.
        removed: tags present that RFC 9989 removed.
        ignored: unknown tags present, in lower case.
    """

    policy: Policy
    subdomain_policy: Policy
    nonexistent_policy: Policy
    rua: tuple[str, ...] = ()
    aspf: Alignment = "r"
    adkim: Alignment = "r"
    testing: bool = False
    public_suffix: bool = False
    percent: int = 100
    removed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def is_dmarc(text: str) -> bool:
    """True when a receiver takes the TXT value for a DMARC record, well-formed or not. Source: RFC 9989 4.8 and 4.10."""
    return _VERSION.match(text) is not None


def parse_dmarc(text: str) -> Dmarc:
    """What the policy record asks for.

    Where a receiver would fall back to a default, this raises: whoever wrote the tag meant something else. For the same
    reason `p` must be there, though RFC 9989 reads its absence as "none". The order of the tags behind `v` is free.

    Args:
        text: the TXT value, its strings joined.

    Raises:
        DmarcSyntaxError: not a DMARC record, a tag is malformed, doubled or has no such value, or `p` is missing.

    Source: RFC 9989 4.7 and 4.8; RFC 7489 6.3 and 6.4 for pct, rf, ri and the size of a report.
    """
    tags = _tags(text)
    for name, value in tags.items():
        _check(name, value)
    if "p" not in tags:
        raise DmarcSyntaxError(tag="p", value=text, problem="missing", remedy="write the policy behind v=DMARC1")
    chosen = {name: value.lower() for name, value in tags.items()}
    policy = chosen["p"]
    subdomain_policy = chosen.get("sp", policy)
    return Dmarc(
        policy=cast("Policy", policy),
        subdomain_policy=cast("Policy", subdomain_policy),
        nonexistent_policy=cast("Policy", chosen.get("np", subdomain_policy)),
        rua=_addresses("rua", tags["rua"]) if "rua" in tags else (),
        aspf=cast("Alignment", chosen.get("aspf", "r")),
        adkim=cast("Alignment", chosen.get("adkim", "r")),
        testing=chosen.get("t") == "y",
        public_suffix=chosen.get("psd") == "y",
        percent=int(chosen.get("pct", "100")),
        removed=tuple(name for name in _REMOVED if name in tags),
        ignored=tuple(name for name in tags if name not in _KNOWN),
    )


def dmarc_difference(expected: str, seen: str) -> str:
    """ "" when `seen` does all that `expected` asks, else one sentence on the first thing that differs.

    More addresses for reports, a stricter policy for subdomains and strict alignment of DKIM do no harm. Strict alignment of
    SPF does: the MAIL FROM domain is below the domain of the From header, so SPF could never count.

    Raises:
        DmarcSyntaxError: `expected` is wrong.

    Source: RFC 9989 4.7 and 4.10; RFC 7489 6.3.
    """
    want = parse_dmarc(expected)
    try:
        have = parse_dmarc(seen)
    except DmarcSyntaxError as error:
        return str(error)
    return next((text for differs, text in _differences(want, have) if differs), "")


def _differences(want: Dmarc, have: Dmarc) -> list[tuple[bool, str]]:
    present = {_comparable(address) for address in have.rua}
    absent = [address for address in want.rua if _comparable(address) not in present]
    found = ", ".join(have.rua) or "no address"
    return [
        (have.policy != want.policy, f"p must be {want.policy}, got {have.policy}"),
        (bool(absent), f"rua must hold {', '.join(absent)}, got {_shortened(found)}"),
        (have.aspf == "s" != want.aspf, f"aspf must be {want.aspf}, got {have.aspf}"),
        (have.testing and not want.testing, "t must be n, got y"),
        (have.percent < want.percent, f"pct must be {want.percent}, got {have.percent}"),
        *(
            (_STRICTNESS[got] < _STRICTNESS[wanted], f"{tag} must be {wanted} or stricter, got {got}")
            for tag, wanted, got in (
                ("sp", want.subdomain_policy, have.subdomain_policy),
                ("np", want.nonexistent_policy, have.nonexistent_policy),
            )
        ),
        (have.public_suffix and not want.public_suffix, "psd must be n, got y"),
    ]


def _comparable(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain.lower()


def _tags(text: str) -> dict[str, str]:
    """Tag names in lower case and their values, in the order written."""
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
    parts = text.split(";")
    if len(parts) > 1 and not parts[-1].strip(_WHITE):
        parts.pop()
    tags: dict[str, str] = {}
    for part in parts:
        written, equals, value = (piece.strip(_WHITE) for piece in part.partition("="))
        name = written.lower()
        if not _NAME.fullmatch(written) or not equals or not value:
            raise DmarcSyntaxError(
                tag="", value=part, problem="must be a tag, = and a value", remedy="correct or remove it"
            )
        if name in tags:
            raise DmarcSyntaxError(tag=_shortened(name), value=value, problem="stands twice", remedy="keep one")
        tags[name] = value
    return tags


def _check(name: str, value: str) -> None:
    if name in _CHOICES and value.lower() not in _CHOICES[name]:
        allowed = " or ".join(_CHOICES[name])
        raise DmarcSyntaxError(tag=name, value=value, problem=f"must be {allowed}", remedy="correct it")
    if name in _NUMBERS and not _is_number(value, _NUMBERS[name]):
        raise DmarcSyntaxError(
            tag=name,
            value=value,
            problem=f"must be a whole number up to {_NUMBERS[name]}",
            remedy="correct or remove it",
        )
    if name in _URIS:
        _addresses(name, value)
    if name == "fo":
        options = [option.strip(_WHITE).lower() for option in value.split(":")]
        if not {"0", "1", "d", "s"}.issuperset(options) or len({*options}) < len(options) or {"0", "1"} <= {*options}:
            raise DmarcSyntaxError(
                tag=name, value=value, problem="must be 0, 1, d, s, each once and 0 not beside 1", remedy="correct it"
            )


def _is_number(value: str, highest: int) -> bool:
    # The count of digits comes first: int() of thousands of them is slow, and of more yet an error.
    return value.isdecimal() and len(value) <= len(str(highest)) and int(value) <= highest


def _addresses(tag: str, value: str) -> tuple[str, ...]:
    """The addresses of the mailto URIs; others are valid and no receiver has to know them."""
    found = (_address(tag, item.strip(_WHITE)) for item in value.split(","))
    return tuple(address for address in found if address)


def _address(tag: str, item: str) -> str:
    uri, mark, size = item.partition("!")
    sized = _SIZE.fullmatch(size)
    if mark and (sized is None or int(sized[1]) > _MAX_SIZE):
        raise DmarcSyntaxError(
            tag=tag, value=item, problem="size behind ! must be a number and k, m, g or t", remedy="remove it"
        )
    if not _URI.fullmatch(uri):
        raise DmarcSyntaxError(
            tag=tag,
            value=item,
            problem="must be a URI",
            remedy="write mailto:name@domain, odd characters percent-encoded",
        )
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return ""
    local, _, domain = rest.partition("?")[0].partition("@")
    try:
        name = unquote_to_bytes(local).decode()
    except UnicodeDecodeError:
        name = ""
    if not name.isprintable() or not name or not _is_domain(domain):
        raise DmarcSyntaxError(tag=tag, value=item, problem="must hold one address", remedy="write mailto:name@domain")
    return f"{name}@{domain}"


def _is_domain(text: str) -> bool:
    labels = text.split(".")
    return len(text) <= 253 and len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
