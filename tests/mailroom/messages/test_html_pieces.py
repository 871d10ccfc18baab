"""HTML is cut for a sanitiser: it sees the tags that a browser sees, and what it writes stays within a bound."""

from __future__ import annotations

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.messages import parse
from mailroom.messages.html_pieces import html_pieces
from mailroom.messages.html_tokens import HtmlTokenKind, html_tokens
from tests.mailroom.messages.corpus import CASES, Case

NAMES_SHOWN = "a b blockquote br center dd div dl dt em font h1 h2 i img li ol p span strong table tbody td th tr ul"
SHOWN = frozenset(NAMES_SHOWN.split())
HIDDEN = frozenset(
    {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math"},
)

NAMES = st.sampled_from(sorted(SHOWN | {"svg", "object", "template"}))
PIECES = st.one_of(
    st.builds("<{}>".format, NAMES),
    st.builds("</{}>".format, NAMES),
    st.builds("<{} title='{}'>".format, NAMES, st.sampled_from(["", ">", "</p>", "<!--", '"'])),
    st.sampled_from(
        ["a", " ", "< ", "&lt;", "<!-- <b> -->", "<!-->", "<!x>", "</>", "<style>b{}</style>", "<title>a</title>"]
    ),
)


def cleaned(html: str) -> str:
    """The sanitiser's result, read as one document by a parser of the standard (html5ever)."""
    return nh3.clean(
        html,
        tags=set(SHOWN),
        clean_content_tags=set(HIDDEN),
        attributes={"*": {"title"}},
        strip_comments=True,
        link_rel=None,
    )


def in_pieces(html: str) -> str:
    """The same, read piece by piece."""
    return "".join(cleaned(piece) for piece in html_pieces(html, SHOWN))


@pytest.mark.parametrize(
    ("html", "kinds"),
    [
        ("a < b", [("text", "a < b")]),
        ("<a href='>'>b</a >", [("start", "<a href='>'>"), ("text", "b"), ("end", "</a >")]),
        ('<a =">b', [("start", '<a =">'), ("text", "b")]),
        ('<a title = ">">b', [("start", '<a title = ">">'), ("text", "b")]),
        ("<a title=>b", [("start", "<a title=>"), ("text", "b")]),
        ("<a/title='>'/>b", [("start", "<a/title='>'/>"), ("text", "b")]),
        ("a<b title='>", [("text", "a")]),
        ("a<!-- <b> -->c<!x>d<?e>f</>g", [("text", one) for one in "acdfg"]),
        ("a<!-->b<!--->c<!--d--!>e<!-- f", [("text", one) for one in "abce"]),
        ("<style><b></style >a", [("start", "<style>"), ("raw", "<b>"), ("end", "</style >"), ("text", "a")]),
        ("<title><b></titles>", [("start", "<title>"), ("raw", "<b></titles>")]),
        ("<plaintext></plaintext>", [("start", "<plaintext>"), ("raw", "</plaintext>")]),
        ("</", [("text", "</")]),
    ],
)
def test_tokens(html: str, kinds: list[tuple[str, str]]) -> None:
    """Tags end where browsers end them."""
    assert [(token.kind.value, token.source) for token in html_tokens(html)] == kinds


@given(st.text(max_size=300) | st.lists(PIECES, max_size=30).map("".join))
def test_tokens_of_anything(html: str) -> None:
    """Nothing is made up, and each piece stands where the last one ended, or behind it."""
    at = 0
    for token in html_tokens(html):
        at = html.index(token.source, at) + len(token.source)
        assert token.source or token.kind is HtmlTokenKind.RAW


@pytest.mark.parametrize("case", [case for case in CASES if b"<" in case.raw], ids=str)
def test_mail_is_one_piece(case: Case) -> None:
    """What people send is shown as if nothing had been cut."""
    html = parse(case.raw).html
    assert len(list(html_pieces(html, SHOWN))) == 1
    assert in_pieces(html) == cleaned(html)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_bad_nesting_is_left_as_it_is(html: str) -> None:
    """A little of it is the parser's to mend."""
    assert in_pieces(html) == cleaned(html)


@pytest.mark.slow
@given(st.lists(PIECES, max_size=3), st.lists(PIECES, min_size=1, max_size=5), st.lists(PIECES, max_size=3))
def test_output_is_within_a_bound(before: list[str], repeated: list[str], behind: list[str]) -> None:
    """However it is nested: twelve times the source, and what is free."""
    unit, after = "".join(repeated), "".join(behind)
    html = "".join(before) + "".join(unit.replace("'", f"'{number}", 1) for number in range(1000)) + after * 1000
    assert len(in_pieces(html)) <= 12 * len(html) + 65_536


def test_badly_nested_text_is_whole() -> None:
    """Where it is cut, no word is lost."""
    words = [f"word{number}" for number in range(3000)]
    html = "".join(f"<b title={word}><p>{word} " for word in words)
    assert len(list(html_pieces(html, SHOWN))) > 1
    assert nh3.clean(in_pieces(html), tags=set()).split() == words


def test_deeply_nested_text_is_whole() -> None:
    """A conversation of hundreds of answers, each within the last one's quotation."""
    words = [f"word{number}" for number in range(900)]
    html = "".join(f"<blockquote>{word} " for word in words) + "</blockquote>" * 900
    assert nh3.clean(in_pieces(html), tags=set()).split() == words


def test_text_holds_no_pieces_of_attributes() -> None:
    """A `>` within quotes ends no tag."""
    html = '<p title="Preis > 100">Guten Tag.</p><img alt="->" src="cid:x">'
    assert parse(f"Content-Type: text/html\r\n\r\n{html}".encode()).text == "Guten Tag.\n"
