"""A tenant's fields have one owner each: the config, or the settings API by its snapshot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.config import load
from email_stack.config.schema import json_schema
from email_stack.config.snapshots import (
    OWNED,
    SnapshotError,
    read_snapshot,
    snapshot_file,
    snapshot_from,
    snapshot_text,
)
from email_stack.settings.snapshots import snapshot_of
from mailroom.settings.entries import Desired
from tests.config.configs import HEAD, config_of, lines_of

TOKEN = "email-claim=" + "0123456789abcdef" * 2
WISH = Desired(
    tenant="acme-1a2b3c",
    organization="acme",
    domain="mail.acme.example",
    dns="delegated",
    token=TOKEN,
    revision=7,
    live=True,
    removed=False,
    addresses=("sales@mail.acme.example", "a@mail.acme.example"),
)
LISTED = f"{HEAD}  - id: acme-1a2b3c\n    settings: api\n    retention: {{messages_days: 30}}\n"


def pulled(folder: Path, **changes: Any) -> None:
    """The snapshot of `WISH` beside the config, with something else in it."""
    path = snapshot_file(folder / "tenants.yaml", WISH.tenant)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**json.loads(snapshot_text(snapshot_of(WISH))), **changes}))


def test_snapshot_is_merged_with_the_config(tmp_path: Path) -> None:
    """What the API owns comes from it, and the rest from the file; it is the tenant that the same values in YAML make."""
    pulled(tmp_path)
    merged = config_of(tmp_path, LISTED)
    tenant = merged.tenant(WISH.tenant)
    assert (tenant.subdomain, tenant.live, tenant.retention.messages_days) == ("mail.acme.example", True, 30)
    assert [one.address for one in tenant.designated_addresses if one.sends] == list(WISH.addresses)
    assert (merged.snapshots[WISH.tenant].revision, merged.snapshots[WISH.tenant].organization) == (7, "acme")
    by_hand = LISTED.replace("settings: api", f"subdomain: mail.acme.example\n    ownership: {TOKEN}")
    written = config_of(tmp_path, by_hand + "    addresses: [sales, a]\n").tenant(WISH.tenant)
    assert tenant.model_copy(update={"settings": "git"}) == written


def test_folder_has_its_snapshots_within(tmp_path: Path) -> None:
    """Beside the tenants' files, in a folder that is none of them."""
    (tmp_path / "cells.yaml").write_text("cells: {eu: {region: eu-central-1}}\n")
    (tmp_path / "acme.yaml").write_text("id: acme-1a2b3c\nsettings: api\n")
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "acme-1a2b3c.json").write_text(snapshot_text(snapshot_of(WISH)))
    assert load(tmp_path).tenant(WISH.tenant).subdomain == "mail.acme.example"


@pytest.mark.parametrize(
    ("key", "value"),
    [("subdomain", "a.b.example"), ("dns", "delegated"), ("addresses", "[a]"), ("live", "true"), ("ownership", TOKEN)],
)
def test_a_field_in_both_is_an_error(tmp_path: Path, key: str, value: str) -> None:
    """Wherever it is the same: nobody has to know which one goes first. Editors say so, too."""
    pulled(tmp_path)
    (line,) = lines_of(tmp_path, f"{LISTED}    {key}: {value}\n")
    assert line.startswith(f'tenants.yaml:7:5: tenant "acme-1a2b3c": {key} is the settings API\'s, as settings is api')
    assert line.endswith("remove it, or write settings: git and all of it")
    entry = {"id": "acme-1a2b3c", "settings": "api"}
    jsonschema.validate(entry, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**entry, key: value}, json_schema())


def test_every_field_of_the_apis_is_one_of_a_tenant() -> None:
    """A snapshot holds all of them, and nothing else."""
    assert set(snapshot_of(WISH).settings) == set(OWNED)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenant": "globex-1a2b3c"}, "snapshot is another tenant's"),
        ({"version": 2}, "snapshot is none of version 1"),
        ({"revision": True}, "snapshot has no revision"),
        ({"revision": 0}, "snapshot has no revision"),
        ({"settings": {"subdomain": "mail.acme.example"}}, "must have an organization, and settings of subdomain"),
        ({"more": 1}, "snapshot is none of version 1"),
    ],
)
def test_what_is_no_snapshot_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """At the tenant that says it has one, with the command that writes it."""
    pulled(tmp_path, **changes)
    (line,) = lines_of(tmp_path, LISTED)
    assert line.startswith('tenants.yaml:5:5: tenant "acme-1a2b3c": ')
    assert said in line
    assert line.endswith("write it anew with `email-stack settings pull acme-1a2b3c`")


def test_missing_snapshot_is_told(tmp_path: Path) -> None:
    """A symbolic link is none either: it may lead anywhere."""
    (line,) = lines_of(tmp_path, LISTED)
    assert line.endswith("has no snapshot; write it with `email-stack settings pull acme-1a2b3c`")
    (tmp_path / "settings").mkdir()
    (tmp_path / "other.json").write_text(snapshot_text(snapshot_of(WISH)))
    (tmp_path / "settings" / "acme-1a2b3c.json").symlink_to(tmp_path / "other.json")
    assert lines_of(tmp_path, LISTED) == [line]


def test_values_are_judged_as_those_of_a_file(tmp_path: Path) -> None:
    """What the API let through is still what the config's model takes, or an error with the tenant's place."""
    wrong = {
        **json.loads(snapshot_text(snapshot_of(WISH)))["settings"],
        "subdomain": "acme.example",
        "addresses": ["a b"],
    }
    pulled(tmp_path, settings=wrong)
    lines = lines_of(tmp_path, LISTED)
    assert {line.split('"acme-1a2b3c": ')[1].split(" ")[0] for line in lines} == {
        "subdomain",
        "addresses[0].local_part",
    }


@pytest.mark.parametrize("tenant", ["../acme", "a/b", "", "A", "acme.json"])
def test_no_id_names_another_file(tmp_path: Path, tenant: str) -> None:
    """Whatever stands as an id, nothing is read beside the folder of snapshots; the id's own error is told."""
    lines = lines_of(tmp_path, f'{HEAD}  - id: "{tenant}"\n    settings: api\n')
    assert all(" id must be " in line for line in lines)
    assert lines


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_a_snapshot_or_none(content: bytes) -> None:
    """Nothing else happens."""
    with pytest.raises(SnapshotError):
        snapshot_from(content, WISH.tenant)


def test_text_is_the_same_each_time(tmp_path: Path) -> None:
    """And says what was read."""
    text = snapshot_text(snapshot_of(WISH))
    path = tmp_path / "s.json"
    path.write_text(text)
    assert snapshot_text(read_snapshot(path, WISH.tenant)) == text
