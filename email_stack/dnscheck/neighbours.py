"""Likely wrong places of a missing record: a bounded list of names and types. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from constructs_lib.records import DnsRecord, Purpose, in_zone
from email_stack.dnscheck.model import Place
from email_stack.dnscheck.spf import is_spf
from mailroom.messages.dmarc_record import is_dmarc

__all__ = ["PLACES_AT_MOST", "Neighbour", "neighbours", "probe", "stands_for"]

PLACES_AT_MOST: Final = 24
"""Most questions for one missing record, beside those for a wildcard."""

ANCESTORS_AT_MOST: Final = 3
_NAME_CHARACTERS: Final = 253
_NO_SUCH_LABEL: Final = "no-such-name"

_VERSIONS: Final = {Purpose.TLS_REPORTS: "v=TLSRPTv1", Purpose.MTA_STS: "v=STSv1"}
_IGNORED: Final = str.maketrans("", "", ' \t";\\')


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One place to search.

    Args:
        place: the name and the type.
        base: the name in the place of the subdomain; the subdomain itself if only the rest of the name, or the type, differs.
        shared: whether the place may rightly have such a record of its own, as a domain above the subdomain does.
    """

    place: Place
    base: str
    shared: bool = False


def neighbours(record: DnsRecord, *, subdomain: str, zone: str) -> tuple[Neighbour, ...]:
    """Likely wrong places of `record`, likeliest first, at most 24.

    Those are: its own name with another type; the subdomain typed twice, in each way a panel's form allows; the domains above
    the subdomain; the subdomain itself, for what belongs below it; and the name without its underscores.

    Args:
        record: the missing record, at the subdomain or below it; others have no neighbours.
        subdomain: its subdomain.
        zone: its zone.
    """
    if not in_zone(record.name, subdomain):
        return ()
    found: dict[Place, Neighbour] = {}
    for neighbour in _places(record, subdomain, zone):
        name = neighbour.place.name
        if neighbour.place != Place(record.name, record.type) and len(name) <= _NAME_CHARACTERS:
            found.setdefault(neighbour.place, neighbour)
    return tuple(found.values())[:PLACES_AT_MOST]


def _places(record: DnsRecord, subdomain: str, zone: str) -> Iterator[Neighbour]:
    prefix = record.name[: -len(subdomain)].rstrip(".")
    types = (record.type, "TXT") if record.purpose is Purpose.DKIM else (record.type,)
    for kind in _other_types(record):
        yield Neighbour(Place(record.name, kind), subdomain)
    for base in _typed_twice(subdomain, zone):
        for kind in types:
            yield Neighbour(Place(_below(prefix, base), kind), base)
    if record.type == "NS":
        return
    above = _above(subdomain)
    for base in above:
        for kind in types:
            yield Neighbour(Place(_below(prefix, base), kind), base, shared=record.purpose is not Purpose.DKIM)
    if prefix and record.type != "CNAME":
        yield Neighbour(Place(subdomain, record.type), subdomain)
        for base in above[:1]:
            yield Neighbour(Place(base, record.type), subdomain)
    for base in (subdomain, *above[:1]):
        yield from _without_underscores(record, prefix, base)


def stands_for(record: DnsRecord, neighbour: Neighbour, values: Sequence[str]) -> bool:
    """Whether one of the place's `values` is the misplaced `record`."""
    kind = neighbour.place.type
    if kind in {"A", "AAAA"}:
        # No address belongs at the name of a DKIM key.
        return bool(values)
    wanted = [_host(value.rpartition(" ")[2] if record.type == "MX" else value) for value in record.values]
    if record.type == "TXT" and kind in {"TXT", "SPF"}:
        return any(_is_text(record, neighbour, value) for value in values)
    if kind == "TXT":
        key = record.purpose is Purpose.DKIM and neighbour.place.name == record.name
        return any(any(host in value.lower() for host in wanted) or (key and "p=" in value) for value in values)
    seen = [_host(value.rpartition(" ")[2] if kind == "MX" else value) for value in values]
    return any(value == host or value.startswith(f"{host}.") for value in seen for host in wanted)


def probe(neighbour: Neighbour) -> Place | None:
    """A neighbouring name without entered records: a record found there comes from a wildcard. None at a top-level domain."""
    above = neighbour.place.name.partition(".")[2]
    return Place(f"{_NO_SUCH_LABEL}.{above}", neighbour.place.type) if above else None


def _is_text(record: DnsRecord, neighbour: Neighbour, value: str) -> bool:
    if neighbour.shared:
        return value.translate(_IGNORED) == record.values[0].translate(_IGNORED)
    if record.purpose is Purpose.SPF:
        # The subdomain and the MAIL FROM domain each have a record of their own.
        return is_spf(value) and "amazonses.com" in value.lower()
    if record.purpose is Purpose.DMARC:
        return is_dmarc(value)
    return value.startswith(_VERSIONS.get(record.purpose, record.values[0]))


def _other_types(record: DnsRecord) -> tuple[str, ...]:
    if record.purpose is Purpose.DKIM:
        return ("TXT", "A")
    # The type of its own that SPF once had: RFC 7208 3.1.
    return {Purpose.SPF: ("SPF",), Purpose.INBOUND: ("TXT",), Purpose.MAIL_FROM: ("TXT",)}.get(record.purpose, ())


def _typed_twice(subdomain: str, zone: str) -> Iterator[str]:
    relative = subdomain[: -len(zone) - 1] if in_zone(subdomain, zone) and subdomain != zone else ""
    if relative:
        yield f"{relative}.{subdomain}"
    yield f"{subdomain.partition('.')[0]}.{subdomain}"
    if zone != ".":
        yield f"{subdomain}.{zone}"
    yield f"{subdomain}.{subdomain}"


def _above(subdomain: str) -> list[str]:
    """The domains above, the closest first, none of them a top-level domain."""
    names: list[str] = []
    name = subdomain.partition(".")[2]
    while "." in name and len(names) < ANCESTORS_AT_MOST:
        names.append(name)
        name = name.partition(".")[2]
    return names


def _without_underscores(record: DnsRecord, prefix: str, base: str) -> Iterator[Neighbour]:
    """The name as forms that refuse underscores leave it; of a key, also without the label that has one."""
    if "_" in prefix:
        yield Neighbour(Place(_below(prefix.replace("_", ""), base), record.type), base)
    if record.purpose is Purpose.DKIM:
        yield Neighbour(Place(_below(prefix.partition(".")[0], base), record.type), base)


def _below(prefix: str, base: str) -> str:
    return f"{prefix}.{base}" if prefix else base


def _host(name: str) -> str:
    return name.rstrip(".").lower()
