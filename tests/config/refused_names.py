"""Subdomains and ids that a tenant may not have, with the message and the remedy that it is told."""

from __future__ import annotations

__all__ = ["IDENTIFIER", "IDS", "LDH", "SUBDOMAINS"]

LDH = "must be labels of letters, digits and inner hyphens, separated by dots"
APEX = "must be below a registered domain, not the domain itself (its own mail would be taken over)"
IDENTIFIER = "must be 2 to 32 of a-z, 0-9 and single inner hyphens, starting with a letter"

SUBDOMAINS = {
    "apex": ("acme.example", f'{APEX}, got "acme.example"; use a subdomain such as "mail.acme.example"'),
    "apex below a suffix of two labels": (
        "acme.co.uk",
        f'{APEX}, got "acme.co.uk"; use a subdomain such as "mail.acme.co.uk"',
    ),
    "apex below a private suffix": (
        "acme.github.io",
        f'{APEX}, got "acme.github.io"; use a subdomain such as "mail.acme.github.io"',
    ),
    "internationalized apex": (
        "müller.example",
        f'{APEX}, got "müller.example"; use a subdomain such as "mail.müller.example"',
    ),
    "public suffix": ("co.uk", 'must not be a public suffix, got "co.uk"; use a subdomain such as "mail.example.com"'),
    "internationalized public suffix": (
        "xn--55qx5d.cn",
        'must not be a public suffix, got "xn--55qx5d.cn"; use a subdomain such as "mail.example.com"',
    ),
    "AWS's own": (
        "a.b.amazonaws.com",
        'must not be in amazonaws.com, which is AWS\'s, got "a.b.amazonaws.com"; '
        "use a subdomain of the tenant's own domain",
    ),
    "WorkMail's": (
        "acme.awsapps.com",
        'must not be in awsapps.com, which is AWS\'s, got "acme.awsapps.com"; '
        "use a subdomain of the tenant's own domain",
    ),
    "one label": ("acme", 'must be a full domain name, got "acme"; write all of it, such as "acme.example.com"'),
    "underscore": ("a_b.acme.example", f'{LDH}, got "a_b.acme.example"; use a hyphen instead of the underscore'),
    "leading hyphen": ("-a.acme.example", f'{LDH}, got "-a.acme.example"; use a name such as "mail.example.com"'),
    "trailing hyphen": ("a-.acme.example", f'{LDH}, got "a-.acme.example"; use a name such as "mail.example.com"'),
    "wildcard": ('"*.acme.example"', f'{LDH}, got "*.acme.example"; name one subdomain: there are no wildcards'),
    "space": ("a b.acme.example", f'{LDH}, got "a b.acme.example"; use a name such as "mail.example.com"'),
    "address": (
        "me@acme.example",
        f'{LDH}, got "me@acme.example"; write the domain alone, without what is before the @',
    ),
    "URL": (
        "https://a.acme.example",
        f'{LDH}, got "https://a.acme.example"; write the name alone, without scheme, port or path',
    ),
    "empty label": ("a..acme.example", 'must have no empty label, got "a..acme.example"; remove the surplus dot'),
    "empty": ('""', 'must have no empty label, got ""; remove the surplus dot'),
    "IPv4 address": (
        "192.0.2.1",
        'must be a domain name, not an IP address, got "192.0.2.1"; use a name such as "mail.example.com"',
    ),
    "IPv6 address": ('"2001:db8::1"', f'{LDH}, got "2001:db8::1"; use a name, not an IP address: "mail.example.com"'),
    "address literal": ('"[192.0.2.1]"', f'{LDH}, got "[192.0.2.1]"; use a name such as "mail.example.com"'),
    "long label": (
        "a" * 64 + ".acme.example",
        f'must have labels of at most 63 octets, one has 64, got "{"a" * 59}…"; shorten it',
    ),
    "no room for DKIM": (
        "a." * 100 + "acme.example",
        "must be at most 209 octets, so that <32 characters>._domainkey.<subdomain> fits in 253, is 212, got "
        f'"{("a." * 100)[:59]}…"; shorten it',
    ),
    "too long": (
        "a." * 130 + "acme.example",
        f'must be at most 253 octets, is 272, got "{("a." * 100)[:59]}…"; shorten it',
    ),
    "too long once encoded": (
        "ü." * 60 + "acme.example",
        f'must be a valid internationalized name (IDNA 2008: Domain too long), got "{("ü." * 100)[:59]}…"; '
        "correct the spelling of the name",
    ),
    "bad punycode": (
        "xn--zzzzzz.acme.example",
        'must be a valid internationalized name (IDNA 2008: Invalid A-label), got "xn--zzzzzz.acme.example"; '
        "correct the spelling of the name",
    ),
    "two hyphens that are not IDNA's": (
        "ab--cd.acme.example",
        "must be a valid internationalized name (IDNA 2008: Label has disallowed hyphens in 3rd and 4th position), got "
        '"ab--cd.acme.example"; correct the spelling of the name',
    ),
    "a number": ("12", 'must be text, got 12; write it in quotes: "12"'),
    "nothing": ("", "must be text, got nothing; write a value, or remove the key"),
    "a list": ("[a]", "must be text, got a list; write it in quotes"),
}

IDS = {
    "capitals and spaces": ('"Acme Corp"', '"Acme Corp"', "acme-corp"),
    "two hyphens": ("a--b", '"a--b"', "a-b"),
    "one letter": ("a", '"a"', None),
    "digit first": ('"1st"', '"1st"', None),
    "too long": ("a" * 33, f'"{"a" * 33}"', "a" * 32),
    "hyphen last": ("acme-", '"acme-"', "acme"),
    "empty": ('""', '""', None),
}
