"""Rules of names and addresses by DNS and SES. Pure: every function returns the value in its one normal form, or raises
`RuleError` (a ValueError) with the rule and a remedy.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from constructs_lib.faults import RuleError
from constructs_lib.literals import NOT_LITERAL, mark_in

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

__all__ = [
    "LOCAL_PART_PATTERN",
    "MAX_NAME_OCTETS",
    "MAX_SUBDOMAIN_OCTETS",
    "domain_name",
    "is_below",
    "label",
    "literal",
    "local_part",
    "mailbox",
    "receiving_local_part",
    "registrable_domain",
    "tenant_subdomain",
    "unicode_name",
]

MAX_NAME_OCTETS: Final = 253
"""RFC 1035 2.3.4 allows 255 octets on the wire: 253 written, without the trailing dot."""

MAX_LABEL_OCTETS: Final = 63
DKIM_PREFIX_OCTETS: Final = 32 + len("._domainkey.")
"""Easy DKIM's names are a token of 32 characters below `_domainkey`. SES developer guide, "Easy DKIM"."""

MAX_SUBDOMAIN_OCTETS: Final = MAX_NAME_OCTETS - DKIM_PREFIX_OCTETS
MAX_LOCAL_PART_OCTETS: Final = 64
MAX_MAILBOX_OCTETS: Final = 254
"""RFC 5321 4.5.3.1.3: a path of 256 octets holds the address and its two angle brackets."""

LOCAL_PART_PATTERN: Final = r"[A-Za-z0-9!#%&'+/=^_`{|}~-]+(?:\.[A-Za-z0-9!#%&'+/=^_`{|}~-]+)*"
"""RFC 5321 4.1.2 dot-string without `*`, `?` and `$`, which are wildcards or variables in the IAM policy that limits senders."""

_LDH_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PLAIN_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+")
_LOCAL_PART: Final = re.compile(LOCAL_PART_PATTERN)
_AWS_DOMAINS: Final = frozenset(
    ["amazonaws.com", "amazonaws.com.cn", "amazonses.com", "awsapps.com", "awstrack.me", "cloudfront.net"]
)


def literal(value: str) -> str:
    """Text that every template keeps unchanged.

    Raises:
        RuleError: it has `{{`, `${` or the mark of a CDK token.
    """
    mark = mark_in(value)
    if mark:
        raise RuleError.one(f'must hold no "{mark}", {NOT_LITERAL}', "leave it out")
    return value


def domain_name(value: str) -> str:
    """A host name of two or more labels: A-labels (RFC 5890), lower case, no trailing dot.

    Raises:
        RuleError: not letters, digits and hyphens (RFC 1123 2.1) once mapped by UTS 46 and encoded by IDNA 2008, a label of no or
            over 63 octets, over 253 octets in all, only one label, or an IP address.
    """
    name = value.removesuffix(".")
    if len(name) > MAX_NAME_OCTETS:
        raise RuleError.one(f"must be at most {MAX_NAME_OCTETS} octets, is {len(name)}", "shorten it")
    plain = name.lower()
    # `--` in third place marks names that only IDNA may judge (RFC 5891 4.2.3.1).
    if not _PLAIN_NAME.fullmatch(plain) or "--" in plain:
        plain = _encoded(name)
        for part in plain.split("."):
            _check_label(part)
    if "." not in plain:
        raise RuleError.one("must be a full domain name", f'write all of it, such as "{plain}.example.com"')
    if plain.rpartition(".")[2].isdigit():
        raise RuleError.one("must be a domain name, not an IP address", 'use a name such as "mail.example.com"')
    return plain


def tenant_subdomain(value: str) -> str:
    """A domain name for a tenant: below a registered domain, with room for the names below it.

    Raises:
        RuleError: what `domain_name` raises; over 209 octets, so that a DKIM name would not fit; a public suffix or the name
            right below one, private suffixes included; a name of AWS's.

    Source: publicsuffix.org, in the installed release, without network.
    """
    name = domain_name(value)
    if len(name) > MAX_SUBDOMAIN_OCTETS:
        raise RuleError.one(
            f"must be at most {MAX_SUBDOMAIN_OCTETS} octets, so that <32 characters>._domainkey.<subdomain> fits in "
            f"{MAX_NAME_OCTETS}, is {len(name)}",
            "shorten it",
        )
    taken = next((domain for domain in _AWS_DOMAINS if is_below(name, domain) or name == domain), None)
    if taken is not None:
        raise RuleError.one(f"must not be in {taken}, which is AWS's", "use a subdomain of the tenant's own domain")
    # The list has U-labels. Parsing its A-labels too would take twice as long.
    readable = unicode_name(name)
    registrable = _public_suffixes().privatesuffix(readable)
    if registrable is None:
        raise RuleError.one("must not be a public suffix", 'use a subdomain such as "mail.example.com"')
    if registrable == readable:
        raise RuleError.one(
            "must be below a registered domain, not the domain itself (its own mail would be taken over)",
            f'use a subdomain such as "mail.{readable}"',
        )
    return name


def registrable_domain(name: str) -> str:
    """The registered domain above `name`, which is a result of `tenant_subdomain`; in A-labels."""
    registrable = _public_suffixes().privatesuffix(unicode_name(name)) or name
    return ".".join(name.split(".")[-len(registrable.split(".")) :])


def label(value: str) -> str:
    """One label of a host name, as A-label in lower case.

    Raises:
        RuleError: a dot in it, or not 1 to 63 octets of letters, digits and inner hyphens once encoded.
    """
    if "." in value:
        raise RuleError.one("must be one label", 'use "mail"')
    if not value:
        raise RuleError.one("must be one label, not empty", 'use "mail"')
    encoded = _encoded(value)
    if "." in encoded:
        raise RuleError.one("must be one label", 'use "mail"')
    return _check_label(encoded, "must be letters, digits and inner hyphens")


def unicode_name(name: str) -> str:
    """The U-labels of a name that `domain_name` returned."""
    if "xn--" not in name:
        return name
    import idna  # noqa: PLC0415 - loaded only by the configs that have such names

    return idna.decode(name)


def is_below(name: str, ancestor: str) -> bool:
    """Whether `name` is below `ancestor`, both normal."""
    return name.endswith(ancestor) and name[: -len(ancestor)].endswith(".")


def local_part(value: str) -> str:
    """The part before the @, in lower case, because `Sales` and `sales` are the same for SES and for mailbox owners.

    Raises:
        RuleError: an @ in it, not ASCII, over 64 octets, or not a dot-string of RFC 5321 4.1.2; a quoted string is an error. Also
            as `literal`.
    """
    literal(value)
    if "@" in value:
        raise RuleError.one("must be the part before the @ alone", "write only the part before @")
    if not value.isascii():
        raise RuleError.one(
            "must be ASCII (SES takes no internationalized local part)", "use letters a-z, digits, dots and hyphens"
        )
    if len(value) > MAX_LOCAL_PART_OCTETS:
        raise RuleError.one(f"must be at most {MAX_LOCAL_PART_OCTETS} octets, is {len(value)}", "shorten it")
    if not _LOCAL_PART.fullmatch(value):
        raise RuleError.one(
            "must be letters, digits and inner single dots or other characters of RFC 5321's dot-string except *, ? and $",
            "use letters a-z, digits, dots and hyphens",
        )
    return value.lower()


def receiving_local_part(value: str) -> str:
    """A local part that SES can match exactly.

    Raises:
        RuleError: as `local_part`, or a + in it.

    Source: SES developer guide, "Creating receipt rules", recipient conditions: `user@domain` matches `user+label@domain` too.
    """
    name = local_part(value)
    if "+" in name:
        raise RuleError.one(
            "must have no + where it receives (SES hands mail for user+label to the rule of user)",
            f'receive at "{name.partition("+")[0] or "user"}", which takes every +label too',
        )
    return name


def mailbox(value: str) -> str:
    """A full address of any domain, its domain as `domain_name`, its local part unchanged.

    Raises:
        RuleError: not local-part@domain, or over 254 octets.
    """
    local, at, domain = value.rpartition("@")
    if not at or "@" in local:
        raise RuleError.one("must be one e-mail address", 'write it as "name@example.com"')
    local_part(local)
    address = f"{local}@{domain_name(domain)}"
    if len(address) > MAX_MAILBOX_OCTETS:
        raise RuleError.one(f"must be at most {MAX_MAILBOX_OCTETS} octets, is {len(address)}", "shorten it")
    return address


def _encoded(name: str) -> str:
    """A-labels by IDNA 2008 with the mapping of UTS 46, at most 253 octets. ASCII names only become lower case."""
    if name.isascii() and "--" not in name:
        return name.lower()
    if len(name) > MAX_NAME_OCTETS:  # before the encoder, whose time grows with it
        raise RuleError.one(f"must be at most {MAX_NAME_OCTETS} octets, is {len(name)}", "shorten it")
    import idna  # noqa: PLC0415 - see `unicode_name`

    try:
        encoded = idna.encode(name, uts46=True, transitional=False).decode("ascii")
    except (UnicodeError, IndexError) as error:
        raise RuleError.one(
            f"must be a valid internationalized name (IDNA 2008: {_reason(error)})", "correct the spelling of the name"
        ) from None
    return encoded.removesuffix(".")


def _reason(error: Exception) -> str:
    text = "".join(c if c.isprintable() else "?" for c in str(error))
    return text[:80] or type(error).__name__


def _check_label(
    part: str, rule: str = "must be labels of letters, digits and inner hyphens, separated by dots"
) -> str:
    if not part:
        raise RuleError.one("must have no empty label", "remove the surplus dot")
    if len(part) > MAX_LABEL_OCTETS:
        raise RuleError.one(f"must have labels of at most {MAX_LABEL_OCTETS} octets, one has {len(part)}", "shorten it")
    if not _LDH_LABEL.fullmatch(part):
        raise RuleError.one(rule, _remedy(part))
    return part


def _remedy(part: str) -> str:
    if "/" in part or ":" in part:
        try:
            ipaddress.ip_address(part.strip("[]"))
        except ValueError:
            return "write the name alone, without scheme, port or path"
        return 'use a name, not an IP address: "mail.example.com"'
    if "@" in part:
        return "write the domain alone, without what is before the @"
    if "_" in part:
        return "use a hyphen instead of the underscore"
    if "*" in part:
        return "name one subdomain: there are no wildcards"
    return 'use a name such as "mail.example.com"'


@lru_cache(maxsize=1)
def _public_suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - parsed once, and only when there is a name to judge

    return PublicSuffixList(accept_encoded_idn=False)
