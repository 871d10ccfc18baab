"""Compares the effects of two DMARC policy records. Pure."""

from __future__ import annotations

from mailroom.messages.dmarc_record import STRICTNESS, DmarcRecord, DmarcSyntaxError, parse_dmarc, shortened

__all__ = ["dmarc_difference", "dmarc_remark", "dmarc_remarks"]


def dmarc_remarks(text: str) -> tuple[str, ...]:
    """Parts of a record that receivers ignore; () for none, or for another text than a policy record."""
    try:
        return parse_dmarc(text).remarks
    except DmarcSyntaxError:
        return ()


def dmarc_difference(expected: str, seen: str) -> str:
    """ "" if `seen` has the effect of `expected`, else one sentence on the first difference.

    More addresses for reports, another policy for names below the domain and strict alignment of DKIM do no harm. Strict
    alignment of SPF does: the MAIL FROM domain is below the domain of the From header, so SPF could never count.

    Raises:
        DmarcSyntaxError: `expected` is wrong.

    Source: RFC 9989 4.7 and 4.10; RFC 7489 6.3 for pct.
    """
    want = parse_dmarc(expected)
    try:
        have = parse_dmarc(seen)
    except DmarcSyntaxError as error:
        return str(error)
    return next((text for differs, text in _differences(want, have) if differs), "")


def dmarc_remark(expected: str, seen: str) -> str:
    """A remark on `seen`, which has the effect of `expected`; "" for none.

    `sp` and `np` concern names below the domain only, from which it sends nothing.

    Raises:
        DmarcSyntaxError: either is wrong.

    Source: RFC 9989 4.7.
    """
    want, have = parse_dmarc(expected), parse_dmarc(seen)
    laxer = [
        f"{tag}={got}"
        for tag, wanted, got in (
            ("sp", want.subdomain_policy, have.subdomain_policy),
            ("np", want.nonexistent_policy, have.nonexistent_policy),
        )
        if STRICTNESS[got] < STRICTNESS[wanted]
    ]
    if have.nonexistent_policy == have.subdomain_policy:
        # The default of np is sp.
        laxer = laxer[:1]
    return f"{' and '.join(laxer)} asks for less, of names below the domain only" if laxer else ""


def _differences(want: DmarcRecord, have: DmarcRecord) -> list[tuple[bool, str]]:
    present = {_comparable(address) for address in have.rua}
    absent = [address for address in want.rua if _comparable(address) not in present]
    found = ", ".join(have.rua) or "no address"
    return [
        (have.policy != want.policy, f"p must be {want.policy}, got {have.policy}"),
        (bool(absent), f"rua must hold {', '.join(absent)}, got {shortened(found)}"),
        (have.aspf == "s" != want.aspf, f"aspf must be {want.aspf}, got {have.aspf}"),
        (have.testing and not want.testing, "t must be n, got y"),
        (have.percent < want.percent, f"pct must be {want.percent}, got {have.percent}"),
        (have.public_suffix and not want.public_suffix, "psd must be n, got y"),
    ]


def _comparable(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain.lower()
