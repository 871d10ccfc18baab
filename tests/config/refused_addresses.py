"""Addresses that a tenant may not have, with the message, the place and the remedy that it is told."""

from __future__ import annotations

__all__ = ["ADDRESSES", "DOTTED", "PLAIN"]

DOTTED = "must be letters, digits and inner single dots or other characters of RFC 5321's dot-string except *, ? and $"
TAG_CHARACTERS = "must be letters, digits, spaces and _.:/=+-@"
LITERAL = "as CloudFormation or the CDK would put another value there"
PLAIN = "use letters a-z, digits, dots and hyphens"

ADDRESSES = {
    "addresses that are no list": (
        "addresses: support",
        '6:5: {T} addresses must be a list, got "support"; write it as [a, b], or one item a line after a hyphen',
    ),
    "address of the subdomain": (
        "addresses: [support@post.acme.example]",
        '6:17: {T} addresses[0] must be the part before the @ alone, got "support@post.acme.example"; '
        'write only the part before @: "support"',
    ),
    "address of the subdomain, in a mapping": (
        "addresses:\n  - local_part: support@POST.acme.example",
        '7:9: {T} addresses[0].local_part must be the part before the @ alone, got "support@POST.acme.example"; '
        'write only the part before @: "support"',
    ),
    "address outside": (
        "addresses: [support@other.example]",
        '6:17: {T} addresses[0] must be within the subdomain "post.acme.example", got "support@other.example"; '
        "write only the part before @ of an address there",
    ),
    "address of no domain": (
        "addresses: ['support@']",
        '6:17: {T} addresses[0] must be within the subdomain "post.acme.example", got "support@"; '
        "write only the part before @ of an address there",
    ),
    "removal of several": ("removal: [retain]", '6:5: {T} removal must be retain or destroy, got a list; use "retain"'),
    "role address outside": (
        'role_addresses: ["x@y.example"]',
        '6:22: {T} role_addresses[0] must be within the subdomain "post.acme.example", got "x@y.example"; '
        "write only the part before @ of an address there",
    ),
    "plus where mail is received": (
        "addresses: [a+b]",
        "6:17: {T} addresses[0] must have no + where it receives (SES hands mail for user+label to the rule of user), "
        'got "a+b"; receive at "a", which takes every +label too, or set receive: false',
    ),
    "plus in a role address": (
        "role_addresses: [a+b]",
        "6:22: {T} role_addresses[0] must have no + where it receives (SES hands mail for user+label to the rule of user), "
        'got "a+b"; receive at "a", which takes every +label too',
    ),
    "local part with a space": ("addresses: [a b]", f'6:17: {{T}} addresses[0] {DOTTED}, got "a b"; {PLAIN}'),
    "local part with a dot first": ("addresses: [.a]", f'6:17: {{T}} addresses[0] {DOTTED}, got ".a"; {PLAIN}'),
    "local part that IAM reads as a wildcard": (
        'addresses: ["*"]',
        f'6:17: {{T}} addresses[0] {DOTTED}, got "*"; {PLAIN}',
    ),
    "local part beyond ASCII": (
        "addresses: [büro]",
        f'6:17: {{T}} addresses[0] must be ASCII (SES takes no internationalized local part), got "büro"; {PLAIN}',
    ),
    "long local part": (
        f"addresses: [{'x' * 65}]",
        f'6:17: {{T}} addresses[0] must be at most 64 octets, is 65, got "{"x" * 59}…"; shorten it',
    ),
    "address that does nothing": (
        "addresses: [{local_part: a, send: false, receive: false}]",
        "6:17: {T} addresses[0] must send or receive; set send or receive to true, or remove the address",
    ),
    "address twice": (
        "addresses: [a, {local_part: A}]",
        '6:21: {T} addresses[1].local_part must not repeat addresses[0] (case makes no difference), got "A"; '
        "remove one of the two",
    ),
    "address without local part": (
        "addresses: [{send: true}]",
        "6:17: {T} addresses[0].local_part is missing; add it, as in local_part: support",
    ),
    "address that is a number": (
        "addresses: [5]",
        '6:17: {T} addresses[0] must be a local part or a mapping, got 5; write it as "support", or as {local_part: support}',
    ),
    "header injection": (
        'addresses: [{local_part: a, display_name: "x\\r\\nBcc: y"}]',
        '6:33: {T} addresses[0].display_name must have no line breaks or control characters, got "x\\r\\nBcc: y"; remove them',
    ),
    "long display name": (
        f"addresses: [{{local_part: a, display_name: {'x' * 129}}}]",
        f'6:33: {{T}} addresses[0].display_name must be 1 to 128 characters, is 129, got "{"x" * 59}…"; '
        "shorten it or leave it out",
    ),
    "display name that CloudFormation resolves": (
        'addresses: [{local_part: a, display_name: "{{resolve:ssm:/platform/secret}}"}]',
        '6:33: {T} addresses[0].display_name must hold no "{{", '
        f'{LITERAL}, got "{{{{resolve:ssm:/platform/secret}}}}"; leave it out',
    ),
    "display name that the CDK resolves": (
        'addresses: [{local_part: a, display_name: "${Token[AWS.AccountId.0]} x"}]',
        f'6:33: {{T}} addresses[0].display_name must hold no "${{", {LITERAL}, got "${{Token[AWS.AccountId.0]}} x"; leave it out',
    ),
    "local part that starts a reference": (
        'addresses: ["{{a}}"]',
        f'6:17: {{T}} addresses[0] must hold no "{{{{", {LITERAL}, got "{{{{a}}}}"; leave it out',
    ),
    "role address that starts a reference": (
        'role_addresses: ["a{{"]',
        f'6:22: {{T}} role_addresses[0] must hold no "{{{{", {LITERAL}, got "a{{{{"; leave it out',
    ),
    "address for reports that is a variable": (
        'dmarc: {rua: ["${a}@acme.example"]}',
        f'6:19: {{T}} dmarc.rua[0] must hold no "${{", {LITERAL}, got "${{a}}@acme.example"; leave it out',
    ),
    "address for alerts that starts a reference": (
        'alerts: ["{{a@acme.example"]',
        f'6:14: {{T}} alerts[0] must hold no "{{{{", {LITERAL}, got "{{{{a@acme.example"; leave it out',
    ),
    "name that starts a reference": (
        'portal: {target: "{{resolve:ssm:/x}}", hosted_zone_id: Z1}',
        f'6:14: {{T}} portal.target must hold no "{{{{", {LITERAL}, got "{{{{resolve:ssm:/x}}}}"; leave it out',
    ),
    "tag that CloudFormation resolves": (
        'tags: {a: "{{resolve:ssm:/x}}"}',
        f'6:12: {{T}} tags.a {TAG_CHARACTERS}, got "{{{{resolve:ssm:/x}}}}"; remove other characters',
    ),
    "role address twice": (
        "role_addresses: [postmaster, Postmaster]",
        '6:34: {T} role_addresses[1] must not repeat item 1, got "Postmaster"; remove it',
    ),
}
