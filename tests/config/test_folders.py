"""A folder of one file a tenant."""

from __future__ import annotations

from pathlib import Path

import pytest

from email_stack.config import ConfigError, load

CELLS = "cells:\n  eu: {region: eu-central-1}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with cells and two tenants."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "tenants"
    made.mkdir()
    (made / "cells.yaml").write_text(CELLS, encoding="utf-8")
    (made / "zeta.yaml").write_text("id: zeta\nsubdomain: post.zeta.example\n", encoding="utf-8")
    (made / "acme.yml").write_text("subdomain: post.acme.example\nid: acme\n", encoding="utf-8")
    return Path("tenants")


def _lines(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(path)
    return str(raised.value).splitlines()


def test_tenants_come_in_the_order_of_file_names(folder: Path) -> None:
    """Whatever the file system's own order; `.yml` is as good as `.yaml`."""
    config = load(folder)
    assert [tenant.id for tenant in config.tenants] == ["acme", "zeta"]
    assert [cell.id for cell in config.cells] == ["eu"]


def test_a_folder_holds_what_a_file_would(folder: Path, tmp_path: Path) -> None:
    """Both forms give equal configs."""
    text = "tenants:\n  - {id: acme, subdomain: post.acme.example}\n  - {id: zeta, subdomain: post.zeta.example}\n"
    (tmp_path / "whole.yaml").write_text(CELLS + text, encoding="utf-8")
    whole, folded = load(tmp_path / "whole.yaml"), load(folder)
    assert (whole.cells, whole.tenants) == (folded.cells, folded.tenants)


def test_other_files_are_left_alone(folder: Path) -> None:
    """Hidden files, other kinds of file, and sub-folders even when they are named like a file."""
    for name in (".hidden.yaml", "README.md", "acme.yaml.bak", "notes.txt"):
        (folder / name).write_text("not: [a tenant", encoding="utf-8")
    (folder / "archive.yaml").mkdir()
    (folder / "archive.yaml" / "old.yaml").write_text("not: [a tenant", encoding="utf-8")
    assert len(load(folder).tenants) == 2


def test_problems_name_their_file(folder: Path) -> None:
    """And come sorted by file, then line."""
    (folder / "zeta.yaml").write_text("id: acme\nsubdomain: post.acme.example\n", encoding="utf-8")
    (folder / "bad.yaml").write_text("a: [", encoding="utf-8")
    (folder / "cells.yaml").write_text("cells:\n  eu: {region: mars}\ntenants: []\n", encoding="utf-8")
    lines = _lines(folder)
    assert [line.split(" ")[0] for line in lines] == [
        "tenants/bad.yaml:2:1:",
        "tenants/cells.yaml:2:8:",
        "tenants/cells.yaml:3:1:",
        "tenants/zeta.yaml:1:1:",
        "tenants/zeta.yaml:2:1:",
    ]
    assert lines[2] == "tenants/cells.yaml:3:1: tenants is no key of this file; write a file a tenant beside it"
    assert lines[3] == (
        'tenants/zeta.yaml:1:1: tenant "acme": id must be unique, is also at tenants/acme.yml:1, got "acme"; '
        "give each tenant an id of its own"
    )


def test_cells_have_one_file(folder: Path) -> None:
    """Without it, or with two, nothing is guessed; tenants are checked all the same."""
    (folder / "cells.yml").write_text(CELLS, encoding="utf-8")
    (folder / "zeta.yaml").write_text("id: zeta\nsubdomain: zeta\n", encoding="utf-8")
    zeta = (
        'tenants/zeta.yaml:2:1: tenant "zeta": subdomain must be a full domain name, got "zeta"; '
        'write all of it, such as "zeta.example.com"'
    )
    assert _lines(folder) == ["tenants:1:1: the folder has both cells.yaml and cells.yml; keep one of the two", zeta]
    (folder / "cells.yml").unlink()
    (folder / "cells.yaml").unlink()
    assert _lines(folder) == [
        "tenants:1:1: the folder has no cells.yaml; write the cells into it, under the key cells",
        zeta,
    ]


def test_links_stay_inside(folder: Path, tmp_path: Path) -> None:
    """A link out of the folder would bring in what nobody reviewed with it."""
    (tmp_path / "outside.yaml").write_text("id: other\nsubdomain: post.other.example\n", encoding="utf-8")
    (folder / "other.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / ".data.yaml").write_text("id: inside\nsubdomain: post.inside.example\n", encoding="utf-8")
    (folder / "inside.yaml").symlink_to(".data.yaml")
    (folder / "dangling.yaml").symlink_to("nowhere.yaml")
    assert _lines(folder) == [
        "tenants/dangling.yaml:1:1: the file does not exist; name a YAML file, or a folder of them",
        "tenants/other.yaml:1:1: the file is a symbolic link to outside of the folder; put the file itself here",
    ]
    (folder / "other.yaml").unlink()
    (folder / "dangling.yaml").unlink()
    assert [tenant.id for tenant in load(folder).tenants] == ["acme", "inside", "zeta"]


def test_a_folder_of_cells_alone_is_valid(folder: Path) -> None:
    """Cells may be deployed before the first tenant comes."""
    (folder / "acme.yml").unlink()
    (folder / "zeta.yaml").unlink()
    assert load(folder).tenants == ()
