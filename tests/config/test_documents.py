"""The accepted part of YAML. Any file gives a config or a `ConfigError`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from email_stack.config import ConfigError, load
from email_stack.config import document as document_module
from email_stack.config.document import scalar
from tests.config.configs import HEAD, lines_of, problems_if_any, problems_of, tenant_of, with_tenant

YAML_HELP = "check indentation, colons and quotes here"

FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "1:1: the file is empty; write cells and tenants into it, as docs/configuration.md shows"),
    "comments alone": (
        "# a\n",
        "1:1: the file is empty; write cells and tenants into it, as docs/configuration.md shows",
    ),
    "list": ("\n- a\n", "2:1: the file must be a mapping, got a list; write it as key: value"),
    "text": ("a", "1:1: the file must be a mapping, got text; write it as key: value"),
    "not UTF-8": (b"a: b\nc: \xff", "2:4: the file is not UTF-8: byte 0xff; save it as UTF-8"),
    "cut UTF-8": (b"a: \xc3", "1:4: the file is not UTF-8: byte 0xc3; save it as UTF-8"),
    "UTF-8 with BOM": (
        b"\xef\xbb\xbfa: 1",
        "1:1: the file starts with a byte order mark; save it as UTF-8 without BOM",
    ),
    "UTF-16": ("a: 1".encode("utf-16"), "1:1: the file starts with a byte order mark; save it as UTF-8 without BOM"),
    "NUL": (b"a: 1\nb: \0", "2:4: the file holds a NUL character; remove it"),
    "control character": (
        "a: ü\nb: \x01",
        "2:4: the file is not valid YAML: control characters are not allowed; remove the character",
    ),
    "tab as indentation": (
        "a:\n\tb: 1\n",
        f"2:1: the file is not valid YAML: found character that cannot start any token; {YAML_HELP}",
    ),
    "colon in a value": (
        "a: b: c\n",
        f"1:5: the file is not valid YAML: mapping values are not allowed in this context; {YAML_HELP}",
    ),
    "open quote": ('a: "b\n', f"2:1: the file is not valid YAML: found unexpected end of stream; {YAML_HELP}"),
    "anchor": ("a: &x 1\n", "1:4: the file uses an anchor or alias; write the value out: they are not taken here"),
    "alias": ("a: *x\n", "1:4: the file uses an anchor or alias; write the value out: they are not taken here"),
    "anchor on a key": ("&x a: 1\n", "1:1: the file has a key with an anchor or a tag; write the key alone"),
    "merge key": ("<<: {a: 1}\n", "1:1: the file uses a merge key; write the values out: << is not taken here"),
    "tag": (
        "a: !!python/object/apply:os.system [ls]\n",
        '1:4: the file uses the tag "tag:yaml.org,2002:python/object/apply:os.system"; drop it: types follow from the key',
    ),
    "key that is a list": (
        "? [a]\n: b\n",
        "1:3: the file has a key that is not text; write key: value; put text that starts with [, { or * in quotes",
    ),
    "second document": (
        "a: 1\n---\nb: 2\n",
        "2:1: the file holds a second document; write one document a file; remove what follows ---",
    ),
    "deep nesting": ("a: " + "[" * 100_000, "1:15: the file is nested deeper than 12 levels; no setting is that deep"),
    "deep nesting in blocks": (
        "- " * 10_000,
        "1:25: the file is nested deeper than 12 levels; no setting is that deep",
    ),
}


@pytest.mark.parametrize(("content", "line"), FILES.values(), ids=FILES)
def test_refuses_a_file(tmp_path: Path, content: str | bytes, line: str) -> None:
    """One clear problem, where it is."""
    assert lines_of(tmp_path, content) == [f"tenants.yaml:{line}"]


def test_many_aliases_cost_nothing(tmp_path: Path) -> None:
    """The file that would unfold to gigabytes ends at its first anchor."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    assert len(problems_of(tmp_path, bomb)) == 1


def test_repeated_keys_are_reported_beside_other_problems(tmp_path: Path) -> None:
    """YAML forbids them (1.2.2, 3.2.1.1), and whichever value was meant, the reader cannot know."""
    assert lines_of(tmp_path, with_tenant("live: false\nlive: true\nmail_from: a.b")) == [
        'tenants.yaml:7:5: the file has the key "live" twice, first in line 6; keep one of the two',
        'tenants.yaml:8:5: tenant "acme": mail_from must be one label, got "a.b"; use "mail"',
    ]


def test_a_file_may_not_be_endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the limit is read."""
    monkeypatch.setattr(document_module, "MAX_FILE_BYTES", 2**20)
    assert lines_of(tmp_path, b"#" * (2**20 + 1)) == [
        "tenants.yaml:1:1: the file is larger than 1 MiB; split it into a folder of one file a tenant"
    ]


def test_a_path_must_lead_to_a_file(tmp_path: Path) -> None:
    """A missing file, and what is neither file nor folder, are problems too: nothing waits for a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    paths = {tmp_path / "none.yaml": "does not exist", tmp_path / "nul\0": "does not exist", pipe: "is no regular file"}
    for path, what in paths.items():
        with pytest.raises(ConfigError, match=rf":1:1: the file {what}; name a YAML file, or a folder of them$"):
            load(path)


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder that anybody may enter, and for root the rights of an ordinary user: root may read everything."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "tenants.yaml").touch(mode=0)
        if user == 0:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


def test_a_file_that_may_not_be_read_is_a_problem(ordinary_user: Path) -> None:
    """With the system's reason."""
    with pytest.raises(ConfigError, match=r"cannot be read: Permission denied; check its name and its permissions$"):
        load(ordinary_user / "tenants.yaml")


SCALARS = {
    "true": True, "True": True, "FALSE": False, "null": None, "~": None, "": None,
    "yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y", "tRUE": "tRUE",
    "12": 12, "-7": -7, "+7": 7, "010": 10, "0o10": 8, "0x1F": 31, "1_000": "1_000", "12:30": "12:30", "2026-01-01": "2026-01-01",
    "1.5": 1.5, ".5": 0.5, "1.": 1.0, "1e3": 1000.0, "-1.5E-2": -0.015, "1.2.3": "1.2.3", ".": ".", "-": "-", "+": "+",
    ".inf": ".inf", ".nan": ".nan", "e3": "e3", "9" * 19: "9" * 19, "1e9999": "1e9999", "\u0661": "\u0661",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """Not 1.1, in which `no` is false and 010 is 8."""
    read = scalar(text)
    assert (type(read), read) == (type(value), value)


def test_quotes_make_text(tmp_path: Path) -> None:
    """And so does a block scalar."""
    tenant = tenant_of(tmp_path, "tags:\n  a: \"1\"\n  b: 'true'\n  c: >-\n    null\n  on: off")
    assert tenant.tags == {"a": "1", "b": "true", "c": "null", "on": "off"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
@example(b"? ?")
@example(b"cells: {? : }")
@example(b'a: "\\ud800"')
@example(b"%YAML 9.9\n---\na: 1")
def test_any_bytes_are_a_config_or_a_config_error(tmp_path: Path, content: bytes) -> None:
    """Never a traceback, and never a character that a terminal acts on."""
    assert all(str(problem).isprintable() for problem in problems_if_any(tmp_path, content))


KEYS = """
id subdomain cell cells tenants addresses local_part dmarc rua portal target tags scanning retention raw_days parent_zone
zone_name tracking redirect_domain quotas region role_addresses alerts mail_from hosted_zone_id send << é 1 true ~ a@b.example
"""
WORDS = st.sampled_from(KEYS.split())
LEAVES = (
    WORDS | st.booleans().map(lambda value: str(value).lower()) | st.integers().map(str) | st.just("eu") | st.just("[]")
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(WORDS, inner, max_size=5).map(
            lambda items: f"{{{', '.join(f'{key}: {value}' for key, value in items.items())}}}"
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(WORDS, NESTED, max_size=6), NESTED)
def test_any_shape_is_a_config_or_a_config_error(tmp_path: Path, tenant: dict[str, str], cell: str) -> None:
    """Every key with a value of every kind; each problem names a place in the file."""
    body = "".join(f"    {key}: {value}\n" for key, value in tenant.items())
    text = f"cells: {{eu: {cell}, us: {{region: us-east-1}}}}\ntenants:\n  - {{}}\n  -\n{body}  - {cell}\n"
    problems = problems_if_any(tmp_path, text)
    assert all(1 <= problem.line <= text.count("\n") and problem.column >= 1 for problem in problems)
    places = [(problem.file, problem.line, problem.column) for problem in problems]
    assert places == sorted(places)


def test_messages_name_files_by_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative below it, so that they read the same on every machine; as given elsewhere."""
    (tmp_path / "tenants.yaml").write_text(HEAD + "  - 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for path in (Path("tenants.yaml"), tmp_path / "tenants.yaml"):
        with pytest.raises(ConfigError, match=r"^tenants\.yaml:4:5: tenant 1: must be a mapping, got 1; "):
            load(path)
