"""Further invalid settings of a tenant, each with message, place and remedy."""

from __future__ import annotations

from tests.config.refused_addresses import DOTTED, PLAIN
from tests.config.refused_names import LDH

__all__ = ["SETTINGS"]

TAG_CHARACTERS = "must be letters, digits, spaces and _.:/=+-@"

SETTINGS = {
    "unknown key, near": ("mail_form: x", '6:5: {T} mail_form is no key that is known here; did you mean "mail_from"?'),
    "unknown key, far": (
        "qqqq: 1",
        "6:5: {T} qqqq is no key that is known here; use one of id, settings, subdomain, cell, dns, parent_zone, addresses, "
        "role_addresses, catch_all, dmarc, mta_sts, mail_from, alerts, access, tracking, scanning, receiving, retention, "
        "encryption, join_threads_by, "
        "removal, live, receiving_tls, portal, ownership, tags",
    ),
    "unknown key that a terminal would act on": (
        '"\\e[31m": 1',
        '6:5: {T} "\\x1b[31m" is no key that is known here; use one of id, settings, subdomain, cell, dns, parent_zone, addresses, '
        "role_addresses, catch_all, dmarc, mta_sts, mail_from, alerts, access, tracking, scanning, receiving, retention, "
        "encryption, join_threads_by, "
        "removal, live, receiving_tls, portal, ownership, tags",
    ),
    "unknown key within": (
        "dmarc:\n  ruf: [a@b.example]",
        '7:7: {T} dmarc.ruf is no key that is known here; did you mean "rua"?',
    ),
    "key by its alias": (
        "encryption: {key_arn: 'arn:aws:kms:eu-central-1:111111111111:alias/mail'}",
        "6:18: {T} encryption.key_arn must be the ARN of a KMS key, not of an alias, got "
        '"arn:aws:kms:eu-central-1:111111111111:alias/mail"; write it as '
        '"arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"',
    ),
    "key by its id": (
        "encryption: {key_arn: 1234abcd-12ab-34cd-56ef-1234567890ab}",
        "6:18: {T} encryption.key_arn must be the ARN of a KMS key, not of an alias, got "
        '"1234abcd-12ab-34cd-56ef-1234567890ab"; write it as '
        '"arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"',
    ),
    "key of another region": (
        "encryption: {key_arn: 'arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab'}",
        '6:18: {T} encryption.key_arn must be in eu-central-1, the region of cell "eu", got '
        '"arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-5…"; name a key of that region',
    ),
    "encryption without a key": (
        "encryption: {}",
        "6:5: {T} encryption.key_arn is missing; add it",
    ),
    "MAIL FROM of two labels": ("mail_from: a.b", '6:5: {T} mail_from must be one label, got "a.b"; use "mail"'),
    "empty MAIL FROM": ('mail_from: ""', '6:5: {T} mail_from must be one label, not empty, got ""; use "mail"'),
    "MAIL FROM of two labels, in other dots": (
        "mail_from: a。b",
        '6:5: {T} mail_from must be one label, got "a。b"; use "mail"',
    ),
    "MAIL FROM without end": (
        f"mail_from: {'ü' * 300}",
        f'6:5: {{T}} mail_from must be at most 253 octets, is 300, got "{"ü" * 59}…"; shorten it',
    ),
    "MAIL FROM with underscore": (
        "mail_from: a_b",
        '6:5: {T} mail_from must be letters, digits and inner hyphens, got "a_b"; use a hyphen instead of the underscore',
    ),
    "yes is text": ("live: yes", '6:5: {T} live must be true or false, got "yes"; write true or false, without quotes'),
    "1 is no boolean": ("live: 1", "6:5: {T} live must be true or false, got 1; write true or false, without quotes"),
    "DNS": ("dns: delgated", '6:5: {T} dns must be delegated or self-managed, got "delgated"; use "delegated"'),
    "removal": ("removal: keep", '6:5: {T} removal must be retain or destroy, got "keep"; use "retain"'),
    "TLS": (
        "receiving_tls: required",
        '6:5: {T} receiving_tls must be require or optional, got "required"; use "require"',
    ),
    "DMARC policy": (
        "dmarc: {policy: rejekt}",
        '6:13: {T} dmarc.policy must be none, quarantine or reject, got "rejekt"; use "reject"',
    ),
    "DMARC as text": ("dmarc: reject", '6:5: {T} dmarc must be a mapping, got "reject"; write it as key: value'),
    "rua without domain": (
        "dmarc: {rua: [nobody]}",
        '6:19: {T} dmarc.rua[0] must be one e-mail address, got "nobody"; write it as "name@example.com"',
    ),
    "rua as URI": (
        "dmarc: {rua: ['mailto:a@b.example']}",
        f'6:19: {{T}} dmarc.rua[0] {DOTTED}, got "mailto:a@b.example"; {PLAIN}',
    ),
    "alert twice": (
        "alerts: [ops@acme.example, OPS@acme.example]",
        '6:32: {T} alerts[1] must not repeat item 1, got "OPS@acme.example"; remove it',
    ),
    "alert at an IP address": (
        "alerts: [ops@192.0.2.1]",
        '6:14: {T} alerts[0] must be a domain name, not an IP address, got "ops@192.0.2.1"; '
        'use a name such as "mail.example.com"',
    ),
    "long alert address": (
        f"alerts: [{'a' * 64}@{'b.' * 95}example]",
        f'6:14: {{T}} alerts[0] must be at most 254 octets, is 262, got "{"a" * 59}…"; shorten it',
    ),
    "redirect domain outside": (
        "tracking: {redirect_domain: links.other.example}",
        '6:16: {T} tracking.redirect_domain must be below the subdomain "post.acme.example", got "links.other.example"; '
        'use "links.post.acme.example"',
    ),
    "redirect domain with clicks": (
        "tracking: {redirect_domain: links.post.acme.example}",
        "6:16: {T} tracking.redirect_domain must not be set while clicks are recorded (links of https would lead to it, where the "
        'certificate is Amazon\'s, and browsers warn), got "links.post.acme.example"; set tracking.clicks: false, or remove '
        "redirect_domain",
    ),
    "redirect domain with clicks that are named": (
        "tracking: {clicks: true, opens: false, redirect_domain: t.post.acme.example}",
        "6:44: {T} tracking.redirect_domain must not be set while clicks are recorded (links of https would lead to it, where the "
        'certificate is Amazon\'s, and browsers warn), got "t.post.acme.example"; set tracking.clicks: false, or remove '
        "redirect_domain",
    ),
    "redirect domain that is the subdomain": (
        "tracking: {redirect_domain: post.acme.example}",
        '6:16: {T} tracking.redirect_domain must be below the subdomain "post.acme.example", got "post.acme.example"; '
        'use "links.post.acme.example"',
    ),
    "redirect domain on MAIL FROM": (
        "tracking: {redirect_domain: mail.post.acme.example}",
        "6:16: {T} tracking.redirect_domain must not be the MAIL FROM domain or below it (its CNAME would clash with the "
        'records there), got "mail.post.acme.example"; use "links.post.acme.example"',
    ),
    "redirect domain on DMARC": (
        "tracking: {redirect_domain: _dmarc.post.acme.example}",
        f'6:16: {{T}} tracking.redirect_domain {LDH}, got "_dmarc.post.acme.example"; use a hyphen instead of the underscore',
    ),
    "scanning mode": ("scanning: sharde", '6:5: {T} scanning must be shared or dedicated, got "sharde"; use "shared"'),
    "scanning as a list": (
        "scanning: [shared]",
        "6:5: {T} scanning must be shared, dedicated or a mapping, got a list; write it as scanning: dedicated, "
        "or as key: value",
    ),
    "infected mail delivered": (
        "scanning: {infected: deliver}",
        "6:16: {T} scanning.infected must be strip, hold or delete (malware is never delivered), "
        'got "deliver"; use "strip" to deliver the message without it',
    ),
    "unscanned mail delivered": (
        "scanning: {error: deliver}",
        "6:16: {T} scanning.error must be hold (what was not scanned is never delivered), "
        'got "deliver"; use "hold" or remove it',
    ),
    "clean mail deleted": (
        "scanning: {clean: delete}",
        '6:16: {T} scanning.clean must be deliver or hold, got "delete"; use "deliver"',
    ),
    "active content by no preset": (
        "scanning: {active_content: sharp}",
        '6:16: {T} scanning.active_content must be off, standard or strict, got "sharp"; use "off"',
    ),
    "active content as a list": (
        "scanning: {active_content: [strict]}",
        "6:16: {T} scanning.active_content must be off, standard, strict or a mapping, got a list; write it as "
        "active_content: strict, or as key: value",
    ),
    "active content deleted": (
        "scanning: {active_content: {programs: delete}}",
        '6:33: {T} scanning.active_content.programs must be deliver, flag, strip or hold, got "delete"; use "deliver"',
    ),
    "active content of no class": (
        "scanning: {active_content: {macro: flag}}",
        '6:33: {T} scanning.active_content.macro is no key that is known here; did you mean "macros"?',
    ),
    "unauthenticated mail stripped": (
        "receiving: {unauthenticated: strip}",
        '6:17: {T} receiving.unauthenticated must be deliver, flag or hold, got "strip"; use "deliver"',
    ),
    "retention as a number": ("retention: 30", "6:5: {T} retention must be a mapping, got 30; write it as key: value"),
    "no retention": (
        "retention: {raw_days: 0}",
        "6:17: {T} retention.raw_days must be at least 1, got 0; use 1 or more",
    ),
    "long retention": (
        "retention: {messages_days: 36501}",
        "6:17: {T} retention.messages_days must be at most 36500, got 36501; use 36500 or less",
    ),
    "retention in quotes": (
        'retention: {raw_days: "7"}',
        '6:17: {T} retention.raw_days must be a whole number, got "7"; write digits, without quotes',
    ),
    "retention of half a day": (
        "retention: {raw_days: 0.5}",
        "6:17: {T} retention.raw_days must be a whole number, got 0.5; write digits, without quotes",
    ),
    "unknown way to join threads": (
        "join_threads_by: [thread-index, subjects]",
        '6:37: {T} join_threads_by[1] must be thread-index or subject, got "subjects"; use "subject"',
    ),
    "one way to join threads, not as a list": (
        "join_threads_by: subject",
        '6:5: {T} join_threads_by must be a list, got "subject"; write it as [a, b], or one item a line after a hyphen',
    ),
    "portal without zone id": (
        "portal: {target: lb.eu-central-1.elb.amazonaws.com}",
        "6:5: {T} portal.hosted_zone_id is needed for a target outside cloudfront.net; "
        "write the load balancer's CanonicalHostedZoneId",
    ),
    "portal with another zone id": (
        "portal: {target: d1.cloudfront.net, hosted_zone_id: ZABC}",
        "6:41: {T} portal.hosted_zone_id must be CloudFront's for a target in cloudfront.net, "
        'got "ZABC"; use "Z2FDTNDATAQYW2" or drop it',
    ),
    "MTA-STS host that leads to itself": (
        "mta_sts: {policy_host: mta-sts.post.acme.example}",
        "6:15: {T} mta_sts.policy_host must be the name behind it, not the name that senders ask for (its CNAME would lead to "
        'itself), got "mta-sts.post.acme.example"; name the web server, such as d111111abcdef8.cloudfront.net',
    ),
    "MAIL FROM at the host of MTA-STS": (
        "mta_sts: {policy_host: d1.cloudfront.net}\nmail_from: mta-sts",
        "7:5: {T} mail_from must not be the label of the MTA-STS policy's host (its CNAME would clash with the MX there), "
        'got "mta-sts"; use "mail"',
    ),
    "MTA-STS without host": (
        "mta_sts: {mode: enforce}",
        "6:5: {T} mta_sts.policy_host is missing; add it, as in policy_host: d111111abcdef8.cloudfront.net",
    ),
    "MTA-STS of no mode": (
        "mta_sts: {policy_host: d1.cloudfront.net, mode: none}",
        '6:47: {T} mta_sts.mode must be testing or enforce, got "none"; use "testing"',
    ),
    "MTA-STS for more than a year": (
        "mta_sts: {policy_host: d1.cloudfront.net, max_age_days: 366}",
        "6:47: {T} mta_sts.max_age_days must be at most 365, got 366; use 365 or less",
    ),
    "redirect domain at the host of MTA-STS": (
        "mta_sts: {policy_host: d1.cloudfront.net}\ntracking: {redirect_domain: mta-sts.post.acme.example}",
        "7:16: {T} tracking.redirect_domain must not be the host of the MTA-STS policy or below it (its CNAME would clash with "
        'the records there), got "mta-sts.post.acme.example"; use "links.post.acme.example"',
    ),
    "portal without target": (
        "portal: {ipv6: false}",
        "6:5: {T} portal.target is missing; add it, as in target: d111111abcdef8.cloudfront.net",
    ),
    "portal on DNS that is not ours": (
        "dns: self-managed\nportal: {target: d1.cloudfront.net}",
        "7:5: {T} portal needs dns: delegated (an alias record exists only in a zone of ours, and the CNAME that it would be "
        "elsewhere is illegal beside the MX of the subdomain, RFC 1034 3.6.2); set dns: delegated, or remove the portal",
    ),
    "parent of DNS that is not ours": (
        "dns: self-managed\nparent_zone: {hosted_zone_id: Z1, zone_name: acme.example}",
        "7:5: {T} parent_zone needs dns: delegated (self-managed delegates nothing to us); "
        "set dns: delegated, or remove parent_zone",
    ),
    "parent that is not above": (
        "parent_zone: {hosted_zone_id: Z1, zone_name: other.example}",
        '6:39: {T} parent_zone.zone_name must be a zone above the subdomain "post.acme.example", got "other.example"; '
        'name the zone that holds it, such as "acme.example"',
    ),
    "parent that only ends alike": (
        "parent_zone: {hosted_zone_id: Z1, zone_name: cme.example}",
        '6:39: {T} parent_zone.zone_name must be a zone above the subdomain "post.acme.example", got "cme.example"; '
        'name the zone that holds it, such as "acme.example"',
    ),
    "zone id as the API writes it": (
        "parent_zone: {hosted_zone_id: /hostedzone/Z1, zone_name: acme.example}",
        "6:19: {T} parent_zone.hosted_zone_id must be the id of a hosted zone: Z and 1 to 31 of A-Z and 0-9, "
        'got "/hostedzone/Z1"; copy it from Route 53, without /hostedzone/',
    ),
    "role that is no ARN": (
        "parent_zone: {hosted_zone_id: Z1, zone_name: acme.example, delegation_role_arn: role}",
        '6:64: {T} parent_zone.delegation_role_arn must be the ARN of an IAM role, got "role"; '
        'write it as "arn:aws:iam::123456789012:role/name"',
    ),
    "role of an application that is no ARN": (
        "access: [{role_arn: inbox, may: [read]}]",
        '6:15: {T} access[0].role_arn must be the ARN of an IAM role, got "inbox"; '
        'write it as "arn:aws:iam::123456789012:role/name"',
    ),
    "application that may nothing": (
        "access: [{role_arn: arn:aws:iam::111111111111:role/inbox, may: []}]",
        "6:63: {T} access[0].may must name at least one of read, send, addresses and held, got []; write it as may: [read]",
    ),
    "application that may what there is not": (
        "access: [{role_arn: arn:aws:iam::111111111111:role/inbox, may: [write]}]",
        '6:69: {T} access[0].may[0] must be read, send, addresses or held, got "write"; use "read"',
    ),
    "application that may twice": (
        "access: [{role_arn: arn:aws:iam::111111111111:role/inbox, may: [read, held, read]}]",
        '6:81: {T} access[0].may[2] must not be repeated, got "read"; remove one of the two',
    ),
    "application that sends without an address": (
        "access: [{role_arn: arn:aws:iam::111111111111:role/inbox, may: [read, send]}]",
        "6:75: {T} access[0].may[1] needs an address that sends (without one, the tenant has no outbox), "
        'got "send"; designate one, or remove send',
    ),
    "role of an application again": (
        "access:\n  - {role_arn: arn:aws:iam::111111111111:role/a/inbox, may: [read]}\n"
        "  - {role_arn: arn:aws:iam::111111111111:role/b/Inbox, may: [held]}",
        '8:10: {T} access[1].role_arn must not name the role of access[0] again, got "arn:aws:iam::111111111111:role/b/Inbox"; '
        "write all that the role may once",
    ),
    "application without its role": (
        "access: [{may: [read]}]",
        '6:14: {T} access[0].role_arn is missing; add it, as in role_arn: "arn:aws:iam::123456789012:role/support-inbox"',
    ),
    "tag of AWS": (
        "tags: {AWS:x: y}",
        '6:12: {T} tags."AWS:x" must not start with aws:, which AWS keeps for itself, got "AWS:x"; rename the tag',
    ),
    "tag of the platform": (
        "tags: {Tenant: y}",
        '6:12: {T} tags.Tenant must not be a tag that the platform sets itself, got "Tenant"; rename the tag',
    ),
    "tag with other characters": (
        "tags: {'a#': b}",
        f'6:12: {{T}} tags."a#" {TAG_CHARACTERS}, got "a#"; remove other characters',
    ),
    "tag value with other characters": (
        'tags: {a: "b\\n"}',
        f'6:12: {{T}} tags.a {TAG_CHARACTERS}, got "b\\n"; remove other characters',
    ),
    "long tag value": (
        f"tags: {{a: {'b' * 257}}}",
        f'6:12: {{T}} tags.a must be at most 256 characters, is 257, got "{"b" * 59}…"; shorten it',
    ),
    "tag without key": (
        'tags: {"": b}',
        '6:12: {T} tags."" must have a key of 1 to 128 characters, has 0, got ""; shorten it',
    ),
    "tags that differ in case": (
        "tags: {Env: a, env: b}",
        '6:20: {T} tags.env must differ from other keys by more than case, got "env"; keep one of them',
    ),
    "too many tags": (
        "tags: {" + ", ".join(f"k{number}: v" for number in range(41)) + "}",
        "6:5: {T} tags must be at most 40 tags, are 41; remove some",
    ),
    "tag value that is a number": ("tags: {n: 05}", '6:12: {T} tags.n must be text, got 5; write it in quotes: "05"'),
    "unknown cell": (
        "cell: us",
        '6:5: {T} cell must be a cell of this config, got "us"; use one of "eu", or add it to cells',
    ),
    "misspelt cell": ("cell: eu1", '6:5: {T} cell must be a cell of this config, got "eu1"; use "eu"'),
    "line break in a value": (
        'removal: "x\\ny\\u2028\\U000E0001"',
        '6:5: {T} removal must be retain or destroy, got "x\\ny\\u2028\\U000e0001"; use "retain"',
    ),
}
