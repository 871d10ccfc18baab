"""A test in `docs/promises.md` holds each promise of the documents; this check finds missing ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_stack.synthesis.toolchain import PROJECT_ROOT
from tests.promises import (
    ABSOLUTE,
    STRICT,
    Promise,
    blocks,
    holder_problem,
    is_quoted,
    promising,
    read_promises,
    sentences,
    unheld,
)

DOCS = PROJECT_ROOT / "docs"
NOT_HELD = {"cost.md", "emulator.md", "promises.md"}
"""AWS's prices, what is not shipped, and the list itself."""

DOCUMENTS = ["README.md", *sorted(f"docs/{page.name}" for page in DOCS.glob("*.md") if page.name not in NOT_HELD)]
WHOLE = {"README.md": ("What you can rely on",)}
PROMISES = read_promises((DOCS / "promises.md").read_text(encoding="utf-8"))

PAGE = """# Never a heading

It is fast. Mail is never
lost; it is kept in [a bucket](docs/never.md).

```
nobody counts code
```

    nothing of this either

- **Bold.** What is `never` said in code, or of Python 3.11, RFC 5321 and S3, is none.
- Nobody reads it: [docs/scanning.md](docs/scanning.md).

| key | meaning |
|---|---|
| always | It is kept for 3 days. |

## Rely

It just works ([decision 6](docs/6.md)).
"""

TESTS = """import pytest
def helper(): ...
def test_plain(): ...
@pytest.mark.parametrize("a", [1])
def test_given(a): ...
async def test_waits(): ...
@pytest.mark.skip(reason="slow")
def test_skipped(): ...
@pytest.mark.xfail
def test_expected_to_fail(): ...
"""


def text(document: str) -> str:
    """Text of a document of the project."""
    return (PROJECT_ROOT / document).read_text(encoding="utf-8")


def rows(*quoted: str) -> list[Promise]:
    """Rows of a made-up list, about `PAGE`."""
    return [Promise("page.md", one, ("tests/test_promises.py",)) for one in quoted]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_promise_has_its_tests(document: str) -> None:
    """Quote each of these sentences in a row of docs/promises.md, with the tests that hold it; or say less."""
    held = [promise for promise in PROMISES if promise.document == document]
    words = STRICT if document == "README.md" else ABSOLUTE
    assert unheld(text(document), held, words, WHOLE.get(document, ())) == []


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.document}: {promise.quoted[:40]}")
def test_every_row_is_of_a_document_and_names_tests(promise: Promise) -> None:
    """What it quotes stands there, and each test that it names is there."""
    assert promise.document in DOCUMENTS
    assert is_quoted(text(promise.document), promise)
    assert promise.holders
    assert [problem for holder in promise.holders if (problem := holder_problem(PROJECT_ROOT, holder))] == []


def test_list_says_which_words_count() -> None:
    """In pages other than the README; and which pages are not held."""
    (words,) = [
        block for _heading, block in blocks(text("docs/promises.md")) if block.startswith("Held in the other pages")
    ]
    assert set(re.findall(r'"(\w+)"', words)) == ABSOLUTE
    assert set(re.findall(r"(\w+\.md)\b", words)) | {"promises.md"} == NOT_HELD


def test_no_row_is_there_twice() -> None:
    """Two rows of one sentence would say different things one day."""
    assert len({(promise.document, promise.quoted) for promise in PROMISES}) == len(PROMISES)


def test_what_promises_is_found() -> None:
    """In paragraphs, lists and cells; by its words or, where numbers count, by its numbers."""
    never, nobody, works = "Mail is never lost; it is kept in a bucket.", "Nobody reads it.", "It just works."
    assert unheld(PAGE, [], ABSOLUTE) == [never, nobody]
    assert unheld(PAGE, [], STRICT - {"none"}) == [never, nobody, "It is kept for 3 days."]
    assert unheld(PAGE, [], ABSOLUTE, ("Rely",)) == [never, nobody, works]


def test_only_the_whole_sentence_is_held() -> None:
    """By one row or by several; a word more in the document is one that nothing holds."""
    whole = rows("Mail is never lost; it is kept in a bucket", "Nobody reads it")
    assert unheld(PAGE, whole, ABSOLUTE) == []
    assert unheld(PAGE, rows("Mail is never lost", "it is kept in a bucket", "Nobody reads it"), ABSOLUTE) == []
    assert unheld(PAGE, rows("Mail is never lost", "Nobody reads it"), ABSOLUTE) != []
    for changed in (
        PAGE.replace("never\nlost", "never\never lost"),
        PAGE.replace("never\nlost", "never\nread"),
        PAGE.replace("it is kept in", "it is not kept in"),
        PAGE.replace("Nobody reads", "Not one reads, and nobody sees"),
        PAGE.replace("It is fast.", "It is always fast."),
        PAGE + "\nNothing is slow.\n",
    ):
        assert len(unheld(changed, whole, ABSOLUTE)) == 1, changed


def test_row_whose_words_are_gone() -> None:
    """Words must stand in one block as they are quoted, from word to word; a single one is no quotation."""
    (found, gone, beginning, single) = rows("Nobody reads it", "Nobody writes it", "Nobody reads i", "Nobody")
    assert is_quoted(PAGE, found)
    assert not any(is_quoted(PAGE, one) for one in (gone, beginning, single))


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("It takes 40 MB, 1,400 bytes and 1.9 GB.", {"40", "1,400", "1.9"}),
        ("A thousand tenants take Twice the time.", {"thousand", "twice"}),
        ("Whatever it is, EVERY one.", {"whatever", "every", "one"}),
        ("Python 3.11, RFC 5321, Route 53, SHA-256, S3 and x86-64 are names.", set()),
        ("`only 5` in code; somehow, others, another.", set()),
        ("Only the lonely.", {"only"}),
        ("A 100% guarantee, within sub-5 milliseconds, 3x as fast.", {"100", "guarantee", "5", "3"}),
    ],
)
def test_words_of_a_promise(sentence: str, words: set[str]) -> None:
    """Whole words in any case, and numbers in either form; neither in code nor in a name."""
    assert promising(sentence, STRICT) == words


def test_pages_that_are_only_pointed_to_are_no_words() -> None:
    """Links are their texts, but for a pointer at the end and a link in parentheses."""
    page = "See [the page](a.md): never [b.md](b.md); nor ([decision 1](c.md)), nor there: [docs/d.md](docs/d.md).\n"
    assert list(blocks(page)) == [("", "See the page: never b.md; nor, nor there.")]


@given(st.text(alphabet='ab.?!`) "', max_size=60))
def test_sentences_are_the_block(block: str) -> None:
    """Nothing is lost between them, and none ends within code."""
    plain = " ".join(block.split())
    assert " ".join(sentences(plain)) == plain
    if plain.count("`") % 2 == 0:
        assert all(sentence.count("`") % 2 == 0 for sentence in sentences(plain))


@given(st.text(max_size=300))
def test_any_page_is_read(page: str) -> None:
    """Whatever stands in it."""
    unheld(page, read_promises(page), STRICT)


def test_rows_are_read() -> None:
    """Of each document below its heading; the page's own prose is no row."""
    page = "# T\n\n| a | `b` |\n\n## x.md\n\n| promise | held by |\n|---|---|\n| It is `so`. | `tests/a.py::t`, `tests/b` |\n"
    assert read_promises(page) == [Promise("x.md", "It is `so`", ("tests/a.py::t", "tests/b"))]


@pytest.mark.parametrize(
    ("holder", "problem"),
    [
        ("tests/a/test_x.py::test_plain", ""),
        ("tests/a/test_x.py::test_given", ""),
        ("tests/a/test_x.py::test_waits", ""),
        ("tests/a/test_x.py", ""),
        ("tests/a", ""),
        ("tests/a/test_x.py::test_skipped", "it is skipped"),
        ("tests/a/test_x.py::test_expected_to_fail", "it is skipped"),
        ("tests/a/test_x.py::test_gone", "no such test"),
        ("tests/a/test_x.py::helper", "no such test"),
        ("tests/a/test_x.py::test_plain[1]", "no such test"),
        ("tests/a::test_plain", "no such test"),
        ("tests/a/test_empty.py", "no test in it"),
        ("tests/b", "no test in it"),
        ("tests/gone.py", "no such file"),
        ("src/code.py", "no such file"),
    ],
)
def test_holders(tmp_path: Path, holder: str, problem: str) -> None:
    """A test, parametrized or not, a file or a folder; one that is not there, is never run, or is none does not hold."""
    (tmp_path / "tests" / "a").mkdir(parents=True)
    (tmp_path / "tests" / "b").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "code.py").write_text("def test_plain(): ...\n")
    (tmp_path / "tests" / "a" / "test_empty.py").write_text("def helper(): ...\n")
    (tmp_path / "tests" / "a" / "test_x.py").write_text(TESTS)
    found = holder_problem(tmp_path, holder)
    assert problem in found if problem else found == ""
