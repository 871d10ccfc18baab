"""Rules for cells, and between tenants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.configs import HEAD, config_of, lines_of

IDENTIFIER = "must be 2 to 32 of a-z, 0-9 and single inner hyphens, starting with a letter"

CELLS = {
    "region where SES does not receive": (
        "cells: {eu: {region: eu-central-2}}",
        'cell "eu": region must be a region where SES receives mail, got "eu-central-2"; use "eu-central-1"',
        14,
    ),
    "no region at all": (
        "cells: {eu: {region: mars}}",
        'cell "eu": region must be a region where SES receives mail, got "mars"; use one of af-south-1, ap-northeast-1, '
        "ap-northeast-2, ap-northeast-3, ap-south-1, ap-southeast-1, ap-southeast-2, ap-southeast-3, ca-central-1, "
        "eu-central-1, eu-north-1, eu-south-1, eu-west-1, eu-west-2, eu-west-3, il-central-1, me-south-1, sa-east-1, "
        "us-east-1, us-east-2, us-west-1, us-west-2",
        14,
    ),
    "missing region": ("cells: {eu: {}}", 'cell "eu": region is missing; add it, as in region: eu-central-1', 9),
    "account that lost its zero": (
        "cells: {eu: {region: eu-west-1, account: 012345678901}}",
        'cell "eu": account must be text, got 12345678901; write it in quotes: "012345678901"',
        33,
    ),
    "account of 11 digits": (
        'cells: {eu: {region: eu-west-1, account: "12345678901"}}',
        'cell "eu": account must be the 12 digits of an AWS account, got "12345678901"; '
        'write them in quotes, as in "123456789012"',
        33,
    ),
    "id": ("cells: {EU_1: {region: eu-west-1}}", f'cell "EU_1": id {IDENTIFIER}, got "EU_1"; use "eu-1"', 9),
    "id within": (
        "cells: {eu: {id: eu, region: eu-west-1}}",
        'cell "eu": id is no key here; remove it: the key above is the id',
        14,
    ),
    "unknown key": (
        "cells: {eu: {regoin: eu-west-1, region: eu-west-1}}",
        'cell "eu": regoin is no key that is known here; did you mean "region"?',
        14,
    ),
    "unknown quota": (
        "cells: {eu: {region: eu-west-1, quotas: {receipt_rule: 9}}}",
        'cell "eu": quotas.receipt_rule is no key that is known here; did you mean "receipt_rules"?',
        42,
    ),
    "quota of nothing": (
        "cells: {eu: {region: eu-west-1, quotas: {stacks: 0}}}",
        'cell "eu": quotas.stacks must be at least 1, got 0; use 1 or more',
        42,
    ),
    "recipients past what AWS has ever said": (
        "cells: {eu: {region: eu-west-1, quotas: {recipients_per_rule: 501}}}",
        'cell "eu": quotas.recipients_per_rule must be at most 500, got 501; use 500 or less',
        42,
    ),
    "cell that is text": (
        "cells: {eu: eu-west-1}",
        'cell "eu": must be a mapping, got "eu-west-1"; write it as key: value',
        9,
    ),
    "cells in a list": (
        "cells: [eu]",
        "cells must be a mapping of at least one cell, got a list; write it as eu: {region: eu-central-1}",
        1,
    ),
    "no cells": (
        "cells: {}",
        "cells must be a mapping of at least one cell, got an empty mapping; write it as eu: {region: eu-central-1}",
        1,
    ),
    "one account and region twice": (
        "cells: {a1: {region: eu-west-1}, a2: {region: eu-west-1}}",
        'cell "a2": region must not share account and region with cell "a1" (SES has one active receipt rule set in each), '
        'got "eu-west-1"; put it in another account or region, or its tenants into that cell',
        39,
    ),
    "two settings APIs": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: a}, "
        "quotas: {concurrent_executions: 13}}, "
        "a2: {region: eu-west-2, control: {issuer: 'https://a.example', audience: a}, quotas: {concurrent_executions: 13}}}",
        'cell "a2": control must not be there beside that of cell "a1" (one table has all held names); '
        "remove it from one of them",
        148,
    ),
    "issuer without TLS": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'http://a.example', audience: a}}}",
        'cell "a1": control.issuer must be an https URL without query, fragment and user, got "http://a.example"; '
        'write it as tokens have it in "iss", such as "https://login.acme.example"',
        43,
    ),
    "issuer that CloudFormation would replace": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://{{resolve:ssm:x}}', audience: a}}}",
        'cell "a1": control.issuer must hold no "{{", as CloudFormation or the CDK would put another value there, got '
        '"https://{{resolve:ssm:x}}"; leave it out',
        43,
    ),
    "issuer of another alphabet": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://ä.example', audience: a}}}",
        'cell "a1": control.issuer must be an https URL in ASCII, got "https://ä.example"; write it as '
        '"https://login.acme.example"',
        43,
    ),
    "issuer that is no URL": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://[', audience: a}}}",
        'cell "a1": control.issuer must be an https URL without query, fragment and user, got "https://["; '
        'write it as tokens have it in "iss", such as "https://login.acme.example"',
        43,
    ),
    "audience of two words": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: 'a b'}}}",
        'cell "a1": control.audience must be printable ASCII without spaces, got "a b"; write it as tokens have it',
        72,
    ),
    "any origin": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: a, allowed_origins: ['*']}}}",
        'cell "a1": control.allowed_origins[0] must be an origin as browsers send it: https, host and port alone; http only for '
        'localhost, got "*"; write it as "https://portal.acme.example"',
        103,
    ),
    "origin with a path": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: a, allowed_origins: ['https://b.example/']}}}",
        'cell "a1": control.allowed_origins[0] must be an origin as browsers send it: https, host and port alone; http only for '
        'localhost, got "https://b.example/"; write it as "https://portal.acme.example"',
        103,
    ),
    "origin without TLS": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: a, allowed_origins: ['http://b.example']}}}",
        'cell "a1": control.allowed_origins[0] must be an origin as browsers send it: https, host and port alone; http only for '
        'localhost, got "http://b.example"; write it as "https://portal.acme.example"',
        103,
    ),
    "certificate of another region": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: a, domain: {domain_name: s.b.example, "
        "certificate_arn: 'arn:aws:acm:us-east-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab'}}, "
        "quotas: {concurrent_executions: 13}}}",
        'cell "a1": control.domain.certificate_arn must be in eu-west-1, the region of cell "a1", got '
        '"arn:aws:acm:us-east-1:123456789012:certificate/1234abcd-12a…"; '
        "name a certificate of that region",
        120,
    ),
    "certificate that is none": (
        "cells: {a1: {region: eu-west-1, control: {issuer: 'https://a.example', audience: a, domain: {domain_name: s.b.example, "
        "certificate_arn: 'arn:aws:iam::123456789012:server-certificate/a'}}}}",
        'cell "a1": control.domain.certificate_arn must be the ARN of a certificate in ACM, got '
        '"arn:aws:iam::123456789012:server-certificate/a"; write it as '
        '"arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"',
        120,
    ),
}


@pytest.mark.parametrize(("cells", "message", "column"), CELLS.values(), ids=CELLS)
def test_refuses_a_cell(tmp_path: Path, cells: str, message: str, column: int) -> None:
    """One problem, with its remedy."""
    assert lines_of(tmp_path, f"{cells}\ntenants: []\n") == [f"tenants.yaml:1:{column}: {message}"]


def test_the_file_has_two_keys(tmp_path: Path) -> None:
    """Both are needed, and no other is known."""
    assert lines_of(tmp_path, "tenant: []\n") == [
        "tenants.yaml:1:1: cells is missing; add it, as in cells: {eu: {region: eu-central-1}}",
        "tenants.yaml:1:1: tenants is missing; add it, as in tenants: []",
        'tenants.yaml:1:1: tenant is no key that is known here; did you mean "tenants"?',
    ]
    assert lines_of(tmp_path, "cells: {eu: {region: eu-west-1}}\ntenants: {acme: {}}\n") == [
        "tenants.yaml:2:1: tenants must be a list, got a mapping; write each tenant after a hyphen, or [] for none"
    ]


def test_with_several_cells_each_tenant_names_one(tmp_path: Path) -> None:
    """No cell is the default among several: adding a second one must not move anybody."""
    text = "cells: {eu: {region: eu-west-1}, us: {region: us-east-1}}\ntenants:\n"
    assert lines_of(tmp_path, f"{text}  - {{id: acme, subdomain: post.acme.example}}\n") == [
        'tenants.yaml:3:5: tenant "acme": cell is missing, and there are several cells; name one of "eu", "us"'
    ]
    config = config_of(tmp_path, f"{text}  - {{id: acme, subdomain: post.acme.example, cell: us}}\n")
    assert [tenant.id for tenant in config.tenants_of("us")] == ["acme"]
    assert config.tenants_of("eu") == ()


def test_a_broken_cell_is_no_unknown_cell(tmp_path: Path) -> None:
    """Its own problem is the only one."""
    text = "cells: {eu: {region: mars}}\ntenants:\n  - {id: acme, subdomain: post.acme.example, cell: eu}\n"
    assert len(lines_of(tmp_path, text)) == 1


NEIGHBOURS = {
    "same id": (
        ["{id: acme, subdomain: a.acme.example}", "{id: acme, subdomain: b.acme.example}"],
        '5:6: tenant "acme": id must be unique, is also at tenants.yaml:4, got "acme"; give each tenant an id of its own',
    ),
    "same subdomain": (
        ["{id: one, subdomain: a.acme.example}", "{id: two, subdomain: A.acme.example.}"],
        '5:15: tenant "two": subdomain must be unique, is also tenant "one"\'s, got "A.acme.example."; '
        "give each tenant a subdomain of its own",
    ),
    "same subdomain in other letters": (
        ["{id: one, subdomain: a.müller.example}", "{id: two, subdomain: a.xn--mller-kva.example}"],
        '5:15: tenant "two": subdomain must be unique, is also tenant "one"\'s, got "a.xn--mller-kva.example"; '
        "give each tenant a subdomain of its own",
    ),
    "within another's, which comes later": (
        ["{id: one, subdomain: x.y.a.acme.example}", "{id: two, subdomain: a.acme.example}"],
        '4:15: tenant "one": subdomain must not be within "a.acme.example" of tenant "two", got "x.y.a.acme.example"; '
        "use a name beside it, not below it",
    ),
    "another's MAIL FROM domain": (
        ["{id: one, subdomain: a.acme.example}", "{id: two, subdomain: mail.a.acme.example}"],
        '5:15: tenant "two": subdomain must not be within "a.acme.example" of tenant "one", as its MAIL FROM domain, '
        'got "mail.a.acme.example"; use a name beside it, not below it',
    ),
    "below another's redirect domain": (
        [
            "{id: one, subdomain: a.acme.example, tracking: {clicks: false, redirect_domain: go.a.acme.example}}",
            "{id: two, subdomain: x.go.a.acme.example}",
        ],
        '5:15: tenant "two": subdomain must not be within "a.acme.example" of tenant "one", as its redirect domain, '
        'got "x.go.a.acme.example"; use a name beside it, not below it',
    ),
}


@pytest.mark.parametrize(("tenants", "line"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_tenants_take_nothing_from_each_other(tmp_path: Path, tenants: list[str], line: str) -> None:
    """Ids and subdomains are unique, and no subdomain is within another's."""
    text = HEAD + "".join(f"  - {tenant}\n" for tenant in tenants)
    assert lines_of(tmp_path, text) == [f"tenants.yaml:{line}"]


def test_siblings_are_no_nesting(tmp_path: Path) -> None:
    """Names that only end alike are apart."""
    text = f"{HEAD}  - {{id: one, subdomain: a.acme.example}}\n  - {{id: two, subdomain: xa.acme.example}}\n"
    assert len(config_of(tmp_path, text).tenants) == 2


def test_an_applications_role_is_of_the_cells_account(tmp_path: Path) -> None:
    """The tenant's stack gives it a policy, which reaches into no other account."""
    text = (
        'cells: {eu: {region: eu-west-1, account: "111111111111"}}\ntenants:\n'
        "  - id: acme\n    subdomain: post.acme.example\n    access:\n"
        "      - {role_arn: arn:aws:iam::222222222222:role/inbox, may: [read]}\n"
    )
    assert lines_of(tmp_path, text) == [
        'tenants.yaml:6:10: tenant "acme": access[0].role_arn must be a role of account 111111111111, which cell "eu" is in, '
        'got "arn:aws:iam::222222222222:role/inbox"; name a role there; an application elsewhere takes it by sts:AssumeRole'
    ]
    config_of(tmp_path, text.replace("iam::222222222222", "iam::111111111111"))


def test_one_role_has_room_for_so_many_tenants(tmp_path: Path) -> None:
    """IAM takes no more of its policies; with a key, which takes more, for fewer."""

    def text(tenants: int, key: str = "") -> str:
        role = "access: [{role_arn: arn:aws:iam::111111111111:role/inbox, may: [read]}]"
        each = "".join(f"  - {{id: t{n}, subdomain: post.t{n}.example, {role}}}\n" for n in range(tenants))
        return f"cells: {{eu: {{region: eu-west-1{key}}}}}\ntenants:\n{each}"

    config_of(tmp_path, text(8))
    (line,) = lines_of(tmp_path, text(10))
    assert line.startswith("tenants.yaml:11:")
    assert (
        'tenant "t8": access[0].role_arn must be a role with room for this policy (IAM takes 10,240 characters' in line
    )
    assert line.endswith("give these tenants a role of their own")
    key = ', encryption: {key_arn: "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"}'
    config_of(tmp_path, text(4, key))
    (line,) = lines_of(tmp_path, text(5, key))
    assert 'tenant "t4"' in line


def test_a_delegation_role_is_of_another_account(tmp_path: Path) -> None:
    """In its own account the cell writes the record itself."""
    text = (
        'cells: {eu: {region: eu-west-1, account: "111111111111"}}\ntenants:\n'
        "  - id: acme\n    subdomain: post.acme.example\n    parent_zone:\n      hosted_zone_id: Z1\n"
        "      zone_name: acme.example\n      delegation_role_arn: arn:aws:iam::111111111111:role/dns\n"
    )
    assert lines_of(tmp_path, text) == [
        'tenants.yaml:8:7: tenant "acme": parent_zone.delegation_role_arn must be in another account than cell "eu", '
        'got "arn:aws:iam::111111111111:role/dns"; remove it: in its own account the cell needs no role'
    ]
    config_of(tmp_path, text.replace("iam::111111111111", "iam::222222222222"))
