"""Names that AWS takes, whatever the id."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constructs_lib import naming

SES_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}[A-Za-z0-9]")
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
IDENTIFIER = st.from_regex(r"[a-z](-?[a-z0-9]){1,31}", fullmatch=True).filter(lambda text: len(text) <= 32)


@given(IDENTIFIER, st.integers(min_value=0, max_value=199))
def test_every_identifier_makes_names_that_aws_takes(identifier: str, index: int) -> None:
    """SES: 64 characters, letter or digit at both ends; CloudFormation: 128, a letter first."""
    assert naming.check_identifier("tenant id", identifier) == identifier
    assert SES_NAME.fullmatch(naming.receipt_rule_name(identifier, index))
    assert SES_NAME.fullmatch(naming.receipt_rule_set_name(identifier))
    for stack_name in (naming.tenant_stack_name, naming.cell_stack_name, naming.delegation_stack_name):
        assert STACK_NAME.fullmatch(stack_name(identifier))


@given(IDENTIFIER, IDENTIFIER, st.integers(0, 199), st.integers(0, 199))
def test_rules_of_two_tenants_never_share_a_name(one: str, other: str, first: int, second: int) -> None:
    """A name is a tenant and an index, and reads back as no other pair."""
    same = (one, first) == (other, second)
    assert (naming.receipt_rule_name(one, first) == naming.receipt_rule_name(other, second)) is same


@pytest.mark.parametrize(
    "value", ["", "a", "Acme", "1acme", "-acme", "acme-", "a--b", "a_b", "a.b", "x" * 33, "acme\n"]
)
def test_identifier_that_would_not_fit(value: str) -> None:
    """The message says what an identifier is."""
    with pytest.raises(ValueError, match=r"tenant id must be 2 to 32 of a-z"):
        naming.check_identifier("tenant id", value)
