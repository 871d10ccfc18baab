"""The owner of a tenant's settings is changed in the text of a config, and nothing else in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.cli.owners import OwnerError, file_of, with_git_owner
from email_stack.config.document import parsed

VALUES = {
    "subdomain": "mail.acme.example",
    "live": True,
    "addresses": ["a", {"local_part": "b", "display_name": 'Ä "B"'}],
}
BLOCK = """\
# Our cells.
cells: {eu: {region: eu-central-1}}
tenants:
  - id: globex
    settings: api   # another
  - id: acme # first
    settings: "api"  # whose
    retention: {raw_days: 30}
"""
FLOW = "cells: {eu: {region: eu-central-1}}\ntenants:\n  - {id: acme, settings: api, tags: {settings: api}} # x\n"


def test_in_a_block() -> None:
    """Each key has a line of its own, and comments stay."""
    assert with_git_owner(parsed(BLOCK, "t.yaml"), ("tenants", 1), VALUES) == BLOCK.replace(
        '    settings: "api"  # whose\n',
        "    settings: git\n"
        '    subdomain: "mail.acme.example"\n'
        "    live: true\n"
        '    addresses: ["a", {"local_part": "b", "display_name": "Ä \\"B\\""}]  # whose\n',
    )


def test_in_braces() -> None:
    """Between commas."""
    changed = with_git_owner(parsed(FLOW, "t.yaml"), ("tenants", 0), {"live": False})
    assert changed == FLOW.replace("settings: api, tags", "settings: git, live: false, tags")


@pytest.mark.parametrize("written", ["? settings\n  : api", '"settings": api', "settings:\n      api"])
def test_what_is_written_otherwise_is_left_to_people(written: str) -> None:
    """With what they have to write."""
    text = f"tenants:\n- id: acme\n  {written}\n"
    with pytest.raises(OwnerError, match="write in its place\n  settings: git\n  live: true"):
        with_git_owner(parsed(text, "t.yaml"), ("tenants", 0), {"live": True})


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40), st.booleans())
def test_any_name_comes_back(name: str, flow: bool) -> None:
    """As the reader of configs reads it."""
    document = parsed(FLOW if flow else BLOCK, "t.yaml")
    where = ("tenants", 0 if flow else 1)
    values = {"addresses": [{"local_part": "a", "display_name": name}]}
    changed = parsed(with_git_owner(document, where, values), "t.yaml").data["tenants"][where[1]]
    assert changed["addresses"] == ({"local_part": "a", "display_name": name},)


def test_files(tmp_path: Path) -> None:
    """One of all tenants, or one of each."""
    file = tmp_path / "tenants.yaml"
    file.write_text(BLOCK)
    assert file_of(file, "acme") == (file, ("tenants", 1))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "cells.yaml").write_text("cells: {eu: {region: eu-central-1}}\n")
    (folder / "acme.yaml").write_text("id: acme\nsettings: api\n")
    assert file_of(folder, "acme") == (folder / "acme.yaml", ())
    for place in (file, folder):
        with pytest.raises(OwnerError, match='tenant "hooli"'):
            file_of(place, "hooli")
