"""The grammar of SPF records: RFC 7208 section 12, to the letter. Pure, and linear in the length of the text."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal, cast

__all__ = ["MAX_CHARACTERS", "Mechanism", "Modifier", "SpfRecord", "SpfSyntaxError", "is_spf", "parse_spf"]

Qualifier = Literal["+", "-", "~", "?"]
MechanismName = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]

MAX_CHARACTERS: Final = 65_535
"""Longest TXT record: the length of a record's data is 16 bits. RFC 1035 3.2.1."""

SHOWN_CHARACTERS: Final = 80

_VERSION: Final = "v=spf1"
_NAMES: Final = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
_DOMAIN_NEEDED: Final = frozenset({"include", "exists"})
_WITH_PREFIXES: Final = frozenset({"a", "mx"})
_ONCE: Final = frozenset({"redirect", "exp"})
_EXPLANATION_LETTERS: Final = frozenset("crt")

_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_MECHANISM: Final = re.compile(r"([+~?-]?)([A-Za-z0-9]+)(.*)", re.DOTALL)
_MACRO: Final = re.compile(r"%(?:[%_-]|\{([slodiphcrtvSLODIPHCRTV])([0-9]*)[rR]?[.+,/_=-]*\})")
_NOT_ASCII: Final = re.compile(r"(?:\\x[89a-f][0-9a-f])+")
"""An octet in the form of `replies.read_reply`. DNS libraries cannot query a name with such an octet or backslash."""

_TOP_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_PREFIXES: Final = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")


class SpfSyntaxError(ValueError):
    """The text is no SPF record; a receiver answers `permerror`.

    Attributes:
        position: where the term starts, counted in characters from 0.
        term: the term as written, shortened to 80 characters.
    """

    def __init__(self, *, position: int, term: str, problem: str) -> None:
        self.position = position
        self.term = _shortened(term)
        super().__init__(f'spf: position {position}: "{self.term}": {problem}')


@dataclass(frozen=True, kw_only=True, slots=True)
class Mechanism:
    """One mechanism.

    Args:
        name: lower case.
        qualifier: what a match results in. Default: "+".
        value: the domain-spec, or the address of ip4 and ip6, as written; "" for the current domain.
        ip4_prefix: bits of an IPv4 address that must match; None when not written.
        ip6_prefix: the same of an IPv6 address.
    """

    name: MechanismName
    qualifier: Qualifier = "+"
    value: str = ""
    ip4_prefix: int | None = None
    ip6_prefix: int | None = None

    def __str__(self) -> str:
        sign = "" if self.qualifier == "+" else self.qualifier
        ip4 = "" if self.ip4_prefix is None else f"/{self.ip4_prefix}"
        slashes = "/" if self.name == "ip6" else "//"
        ip6 = "" if self.ip6_prefix is None else f"{slashes}{self.ip6_prefix}"
        return f"{sign}{self.name}{':' if self.value else ''}{self.value}{ip4}{ip6}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Modifier:
    """One modifier; a receiver ignores every other than redirect and exp. `name` is lower case, `value` as written."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfRecord:
    """The terms in the order written."""

    terms: tuple[Mechanism | Modifier, ...] = ()

    def __str__(self) -> str:
        return " ".join([_VERSION, *map(str, self.terms)])

    @property
    def all(self) -> Mechanism | None:
        """The first `all`, where evaluation ends."""
        return next((term for term in self.terms if isinstance(term, Mechanism) and term.name == "all"), None)

    @property
    def evaluated(self) -> tuple[Mechanism, ...]:
        """The mechanisms that can be reached: those before `all`. RFC 7208 5.1."""
        mechanisms = [term for term in self.terms if isinstance(term, Mechanism)]
        return tuple(mechanisms if self.all is None else mechanisms[: mechanisms.index(self.all)])

    @property
    def redirect(self) -> Modifier | None:
        """The redirect that receivers follow: none in a record with an `all`, at any place. RFC 7208 6.1."""
        if self.all is not None:
            return None
        return next((term for term in self.terms if isinstance(term, Modifier) and term.name == "redirect"), None)


def is_spf(text: str) -> bool:
    """Whether receivers use the TXT value as an SPF record, well-formed or not. Source: RFC 7208 4.5."""
    head = text[: len(_VERSION) + 1].lower()
    return head in {_VERSION, f"{_VERSION} "}


def parse_spf(text: str) -> SpfRecord:
    """The record's terms, also those behind `all`: a receiver checks the whole syntax first.

    Args:
        text: the TXT value, its strings joined.

    Raises:
        SpfSyntaxError: `text` does not follow the grammar, or has redirect or exp twice.

    Source: RFC 7208 4.6 and 12.
    """
    if len(text) > MAX_CHARACTERS:
        raise SpfSyntaxError(
            position=0, term=text, problem=f"longer than any TXT record, got {len(text)} characters; shorten it"
        )
    if not is_spf(text):
        raise SpfSyntaxError(position=0, term=text, problem=f'no SPF version; start it with "{_VERSION} "')
    position = len(_VERSION)
    terms: list[Mechanism | Modifier] = []
    seen: set[str] = set()
    # Only the space divides terms: split() without an argument would take tabs and line ends too.
    for word in text[position:].split(" "):
        if word:
            term = _Term(text=word, position=position).parsed()
            if term.name in seen:
                raise SpfSyntaxError(position=position, term=word, problem=f"{term.name} stands twice; keep one")
            seen |= {term.name} & _ONCE
            terms.append(term)
        position += len(word) + 1
    return SpfRecord(terms=tuple(terms))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Term:
    text: str
    position: int

    def wrong(self, problem: str) -> SpfSyntaxError:
        return SpfSyntaxError(position=self.position, term=self.text, problem=problem)

    def parsed(self) -> Mechanism | Modifier:
        odd = next((character for character in self.text if not "!" <= character <= "~"), None)
        if odd is not None:
            raise self.wrong(f"must be visible ASCII, got {odd!a}; divide terms by single spaces")
        if escaped := _NOT_ASCII.search(self.text):
            raise self.wrong(f"must be visible ASCII, got {escaped[0]}; write domains in A-labels")
        if match := _MODIFIER.fullmatch(self.text):
            return self._modifier(match[1].lower(), match[2])
        if match := _MECHANISM.fullmatch(self.text):
            name = match[2].lower()
            if name in _NAMES:
                return self._mechanism(cast("Qualifier", match[1] or "+"), cast("MechanismName", name), match[3])
        raise self.wrong("neither a mechanism nor a modifier; see RFC 7208 section 5 for the names")

    def _modifier(self, name: str, value: str) -> Modifier:
        if name in _ONCE:
            self._check_domain_spec(value)
        else:
            self._tail(value)
        return Modifier(name=name, value=value)

    def _mechanism(self, qualifier: Qualifier, name: MechanismName, rest: str) -> Mechanism:
        if name in {"ip4", "ip6"}:
            return self._network(qualifier, name, rest)
        if name == "all":
            if rest:
                raise self.wrong(f'all takes no argument, got "{_shortened(rest)}"; divide terms by spaces')
            return Mechanism(name=name, qualifier=qualifier)
        cidr = ""
        if name in _WITH_PREFIXES:
            rest, cidr = _divided(rest)
        ip4, ip6 = self._prefixes(cidr)
        if rest or name in _DOMAIN_NEEDED:
            if not rest.startswith(":"):
                raise self.wrong(f'{name} must be followed by ":" and a domain, got "{_shortened(rest)}"; add them')
            self._check_domain_spec(rest[1:])
        return Mechanism(name=name, qualifier=qualifier, value=rest[1:], ip4_prefix=ip4, ip6_prefix=ip6)

    def _network(self, qualifier: Qualifier, name: MechanismName, rest: str) -> Mechanism:
        address, slash, prefix = rest[1:].partition("/")
        kind = ipaddress.IPv4Address if name == "ip4" else ipaddress.IPv6Address
        try:
            # The standard library also takes a scope behind "%", which no SPF record may have.
            valid = rest.startswith(":") and "%" not in address and bool(kind(address))
        except ValueError:
            valid = False
        if not valid:
            raise self.wrong(f'{name} must be followed by ":" and an address, got "{_shortened(rest)}"; correct it')
        ip4, ip6 = self._prefixes(f"{slash}{prefix}" if name == "ip4" or not slash else f"//{prefix}")
        if name == "ip4" and ip6 is not None:
            raise self.wrong(f"ip4 takes one prefix length, got /{prefix}; write the IPv6 network as ip6")
        return Mechanism(name=name, qualifier=qualifier, value=address, ip4_prefix=ip4, ip6_prefix=ip6)

    def _prefixes(self, cidr: str) -> tuple[int | None, int | None]:
        match = _PREFIXES.fullmatch(cidr)
        ip4, ip6 = (None if digits is None else int(digits) for digits in match.groups()) if match else (99, 999)
        if (ip4 or 0) > 32 or (ip6 or 0) > 128:
            raise self.wrong(f'prefix length must be /0 to /32 or //0 to //128, got "{_shortened(cidr)}"; correct it')
        return ip4, ip6

    def _check_domain_spec(self, spec: str) -> None:
        tail = self._tail(spec, explanation=False)
        if spec and not tail:
            return
        # A name of one label has no dot, and so no top label.
        _, dot, top = tail.removesuffix(".").rpartition(".")
        if not dot or not _TOP_LABEL.fullmatch(top) or top.isdigit():
            raise self.wrong(
                f'domain must end in a dot and a top-level label, got "{_shortened(spec)}"; write it in full'
            )

    def _tail(self, text: str, *, explanation: bool = True) -> str:
        """The text behind the last macro, after a check of all macros."""
        start = 0
        while (percent := text.find("%", start)) >= 0:
            match = _MACRO.match(text, percent)
            if match is None or (match[2] and not match[2].strip("0")):
                raise self.wrong(
                    f'macro is malformed, got "{_shortened(text[percent:])}"; write a percent sign as "%%"'
                )
            if not explanation and match[1] and match[1].lower() in _EXPLANATION_LETTERS:
                raise self.wrong(f'macro "{_shortened(match[0])}" may stand in explanation texts only; use another')
            start = match.end()
        return text[start:]


def _divided(rest: str) -> tuple[str, str]:
    """An argument as its domain-spec and its prefix lengths; a domain-spec has no slash in its last label."""
    tail = rest[len(rest.rstrip("0123456789/")) :]
    slash = tail.find("/")
    cut = len(rest) if slash < 0 else len(rest) - len(tail) + slash
    return rest[:cut], rest[cut:]


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
