"""The table of what CloudFormation cannot change, beside CloudFormation's own schemas."""

from __future__ import annotations

from typing import Any

import pytest

from email_stack.transitions import CREATE_ONLY
from tests.transitions.oracle import create_only

BY_THE_GUIDE = {"AWS::Route53::RecordSet": {"Name"}}
"""What the user guide says and a schema does not."""


@pytest.mark.parametrize("type_", CREATE_ONLY)
def test_table_is_what_the_schemas_say(type_: str) -> None:
    """Of each type, every create-only property, and no other."""
    assert set(CREATE_ONLY[type_]) == create_only(type_) | BY_THE_GUIDE.get(type_, set())


def test_every_type_that_is_deployed_is_in_the_table(templates: dict[str, Any]) -> None:
    """A type that comes to a stack is judged from the first day."""
    held = {one["Type"] for template in templates.values() for one in template["Resources"].values()}
    assert held <= CREATE_ONLY.keys()
    assert len(held) > 20
