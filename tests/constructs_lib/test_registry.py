"""A tenant's entry: what it says to the functions of its cell, and what its table lets them do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from constructs_lib import (
    AddressBook,
    DesignatedAddress,
    Retention,
    SharedFunctions,
    TenantEntry,
    TenantEntryProps,
    Tracking,
)
from mailroom.registry import Entry, entry_from
from mailroom.store.address_book import METADATA, book_as_json
from tests.templates import new_stack, only, resources, template_of

NEWS = DesignatedAddress("news@post.acme.example", 'Acme "$.News" <ü>', receives=False)
BOOK = AddressBook(subdomain="post.acme.example", addresses=(NEWS,))
SHARED = SharedFunctions(registry_path="/cell/", tracking_role_arn="arn:tracking", books_role_arn="arn:books")


def entry_template(*addresses: DesignatedAddress, **settings: Any) -> Template:
    """The entry of tenant acme."""
    stack = new_stack()
    given = {
        "tenant_id": "acme",
        "registry_path": "/email-cell-eu/configuration-sets/",
        "configuration_set_name": "set",
        "table_name": "messages",
        "book": AddressBook(subdomain="post.acme.example", addresses=addresses or (NEWS,)),
    }
    TenantEntry(stack, "Entry", TenantEntryProps(**{**given, **settings}))
    return template_of(stack)


def entry_in(template: Template) -> Entry:
    """The parameter's value, with its stack's id."""
    value = only(template, "AWS::SSM::Parameter")["Value"]["Fn::Join"][1]
    assert [one for one in value if isinstance(one, dict)] == [{"Ref": "AWS::StackId"}]
    return entry_from("".join(one if isinstance(one, str) else "this" for one in value))


def test_one_parameter_is_named_by_the_configuration_set() -> None:
    """Its value is what the functions read, and its metadata is the book, text by text."""
    template = entry_template(tracking=Tracking(suppressed_addresses="plain"), retention=Retention(messages_days=30))
    assert only(template, "AWS::SSM::Parameter")["Name"] == "/email-cell-eu/configuration-sets/set"
    entry = entry_in(template)
    assert (entry.tenant, entry.stack, entry.table) == ("acme", "this", "messages")
    assert (entry.retention_days, entry.plain_addresses, len(entry.book)) == (30, True, 64)
    (parameter,) = resources(template, "AWS::SSM::Parameter").values()
    assert parameter["Metadata"][METADATA] == book_as_json(BOOK)
    assert len(template.to_json()["Resources"]) == 1


def test_another_book_is_another_value() -> None:
    """A change of a display name alone changes a property, so that CloudFormation has something to update."""
    one, same = entry_in(entry_template()), entry_in(entry_template())
    renamed = entry_in(entry_template(DesignatedAddress(NEWS.address, "Other", receives=False)))
    assert one.book == same.book != renamed.book


def test_value_fits_a_standard_parameter() -> None:
    """4 KB, with the longest names; the book is not in it, however big it is."""
    many = [DesignatedAddress(f"{number}@post.acme.example", "x" * 100) for number in range(500)]
    value = only(entry_template(*many), "AWS::SSM::Parameter")["Value"]
    assert len(json.dumps(value)) < 1024


def test_book_that_is_too_big() -> None:
    """Is refused before anything is deployed."""
    many = [DesignatedAddress(f"{'x' * 60}{number}@post.acme.example", "y" * 60) for number in range(1000)]
    with pytest.raises(
        ValueError, match=r'entry of tenant "acme": book must take at most .* got \d+,\d+ for .* designate fewer'
    ):
        entry_template(*many)


def test_tenant_must_be_an_identifier() -> None:
    """Refused with the value."""
    with pytest.raises(ValueError, match='entry of tenant "Acme": tenant_id'):
        entry_template(tenant_id="Acme")


def test_table_lets_in_who_works_for_this_tenant() -> None:
    """Three statements, each one role, one tag and the items that it is about: no mail."""
    noting, settling, writing = SHARED.table_statements(configuration_set_name="set", stack_id="stack")
    assert (noting["Principal"], writing["Principal"]) == ({"AWS": "arn:tracking"}, {"AWS": "arn:books"})
    assert noting["Condition"] == {
        "StringEquals": {"aws:PrincipalTag/configuration-set": "set"},
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SENT#*", "SUPPRESSED"]},
    }
    assert settling["Principal"] == noting["Principal"]
    assert settling["Action"] == ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    assert settling["Condition"] == {
        "StringEquals": {"aws:PrincipalTag/configuration-set": "set"},
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["OUTBOX#*"]},
    }
    assert writing["Condition"] == {
        "StringEquals": {"aws:PrincipalTag/stack": "stack"},
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ADDRESSES"]},
    }
    assert noting["Action"] == ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    assert writing["Action"] == ["dynamodb:PutItem", "dynamodb:UpdateItem"]
