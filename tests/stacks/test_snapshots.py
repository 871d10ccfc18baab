"""A tenant is the same whoever says what it is: a snapshot of the settings API, or YAML written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from email_stack.config import load
from email_stack.config.snapshots import REVISION_OUTPUT
from tests.config.configs import config_of
from tests.config.test_snapshots import LISTED, TOKEN, WISH, pulled
from tests.stacks.conftest import synthesized

BY_HAND = LISTED.replace(
    "settings: api", f"subdomain: mail.acme.example\n    ownership: {TOKEN}\n    addresses: [sales, a]"
)


@pytest.mark.slow
def test_both_are_the_same_bytes(tmp_path: Path) -> None:
    """But for the one output that says which snapshot it was, which only a snapshot has."""
    pulled(tmp_path)
    found: list[dict[str, Any]] = []
    for name, text in (("snapshot", LISTED), ("by-hand", BY_HAND)):
        config_of(tmp_path, text)
        made = synthesized(load(tmp_path / "tenants.yaml"), tmp_path / name, staged=False)
        found.append({file.name: file.read_bytes() for file in made.glob("*.template.json")})
    snapshot, by_hand = found
    assert set(snapshot) == set(by_hand) == {"Cell-eu.template.json", f"Tenant-{WISH.tenant}.template.json"}
    template = json.loads(snapshot[f"Tenant-{WISH.tenant}.template.json"])
    assert template["Outputs"].pop(REVISION_OUTPUT) == {"Value": "7"}
    snapshot[f"Tenant-{WISH.tenant}.template.json"] = json.dumps(template, indent=1).encode()
    assert snapshot == by_hand
    groups = [one["Properties"] for one in template["Resources"].values() if one["Type"].endswith("RecordSetGroup")]
    proof = [record for group in groups for record in group["RecordSets"] if "_email-claim" in str(record["Name"])]
    assert [record["ResourceRecords"] for record in proof] == [[f'"{TOKEN}"']]
