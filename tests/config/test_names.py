"""Names and addresses: one normal form each, and `ValueError` for all else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from constructs_lib import names

RULES: tuple[Callable[[str], str], ...] = (
    names.domain_name,
    names.tenant_subdomain,
    names.label,
    names.local_part,
    names.receiving_local_part,
    names.mailbox,
)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
LETTERS = "aäßéøłжςλ名城한עבבתمث-1\u00b7\u200c\u3002\uff21"
ODD_LABELS = (
    st.text(LETTERS, min_size=1, max_size=12)
    | st.text(min_size=1, max_size=20)
    | LABELS
    | st.sampled_from(["xn--mller-kva", "xn--", "xn--a", "straße", "名", "ـ", "-", "_"])
)
ODD_NAMES = st.lists(ODD_LABELS, min_size=1, max_size=6).map(".".join) | st.text(max_size=300)

NORMAL = {
    "post.acme.example": "post.acme.example",
    "Post.ACME.Example.": "post.acme.example",
    "post.müller.example": "post.xn--mller-kva.example",
    "POST.MÜLLER.EXAMPLE": "post.xn--mller-kva.example",
    "post.mu\u0308ller.example": "post.xn--mller-kva.example",
    "post.XN--MLLER-KVA.example": "post.xn--mller-kva.example",
    "post.straße.example": "post.xn--strae-oqa.example",
    "post\u3002acme\uff0eexample": "post.acme.example",
    "\uff50ost.acme.example": "post.acme.example",
    "mail.mein.github.io": "mail.mein.github.io",
    "mail.acme.co.uk": "mail.acme.co.uk",
    "1.2.example": "1.2.example",
}


@pytest.mark.parametrize(("written", "normal"), NORMAL.items())
def test_subdomains_have_one_form(written: str, normal: str) -> None:
    """A-labels in lower case without the last dot, however they are written; IDNA 2008 keeps the ß."""
    assert names.tenant_subdomain(written) == normal


@given(ODD_NAMES | st.tuples(ODD_LABELS, ODD_NAMES).map("@".join))
def test_any_text_has_a_normal_form_or_raises_value_error(text: str) -> None:
    """Nothing else is raised, and the normal form is its own."""
    for rule in RULES:
        try:
            normal = rule(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - some texts raise, some do not
        else:
            assert rule(normal) == normal
            assert normal.isascii()
            assert normal.isprintable()


@given(ODD_NAMES)
def test_names_survive_unicode_and_back(text: str) -> None:
    """The form for people is the same name."""
    try:
        name = names.domain_name(text)
    except ValueError:
        return
    assert names.domain_name(names.unicode_name(name)) == name


@given(st.lists(LABELS, min_size=2, max_size=5))
def test_plain_names_are_taken_as_they_are(labels: list[str]) -> None:
    """Letters, digits and hyphens need no IDNA."""
    name = ".".join(labels)
    assume("--" not in name and not labels[-1].isdigit())
    assert names.domain_name(name.upper()) == name


def test_names_may_be_as_long_as_dns_allows_and_no_longer() -> None:
    """63 octets a label, 253 a name, 209 a subdomain, 64 a local part, 254 an address."""
    label = "a" * 63
    assert names.label(label) == label
    longest = ".".join([label, label, label, "b" * 61])
    assert names.domain_name(longest + ".") == longest
    subdomain = ".".join([label, label, label, "c" * 17])
    assert len(subdomain) == names.MAX_SUBDOMAIN_OCTETS
    assert len(f"{'d' * 32}._domainkey.{subdomain}") == names.MAX_NAME_OCTETS
    assert names.tenant_subdomain(subdomain) == subdomain
    address = f"{'e' * 64}@{subdomain[:189]}"
    assert names.mailbox(address) == address
    for rule, value in (
        (names.label, label + "a"),
        (names.domain_name, longest + "b"),
        (names.tenant_subdomain, "x" + subdomain),
        (names.local_part, "e" * 65),
        (names.mailbox, address + "c"),
    ):
        with pytest.raises(ValueError, match="at most"):
            rule(value)


@pytest.mark.parametrize("local", ["a", "a.b", "A.B-c_d", "o'neil", "a+b", "{x}", "1"])
def test_local_parts_are_dot_strings_in_lower_case(local: str) -> None:
    """RFC 5321 4.1.2."""
    assert names.local_part(local) == local.lower()


@pytest.mark.parametrize(
    "local", ["", ".", "a.", ".a", "a..b", "a b", '"a"', "a\n", "a\\b", "a,b", "(a)", "*", "a?", "$x", "ü"]
)
def test_other_local_parts_are_refused(local: str) -> None:
    """Neither quoted strings nor what IAM would read as a wildcard or variable."""
    with pytest.raises(ValueError, match=r"^must be "):
        names.local_part(local)


@pytest.mark.parametrize("text", ["{{a}}", "{{", "${x}", "a${", "#{Token[TOKEN.0]}"])
def test_text_that_would_be_replaced_is_refused(text: str) -> None:
    """Neither as a text nor in front of an @: CloudFormation or the CDK would put another value there."""
    for rule in (names.literal, names.local_part):
        with pytest.raises(ValueError, match=r"^must hold no "):
            rule(text)
    with pytest.raises(ValueError, match=r"^must hold no "):
        names.mailbox(f"{text}@acme.example")


@pytest.mark.parametrize("text", ["", "{x}", "{ {", "$ {", "{$", "#{x}", "}}", "100 $"])
def test_text_that_stays_is_taken(text: str) -> None:
    """A brace or a dollar alone means nothing to anybody."""
    assert names.literal(text) == text


def test_mailboxes_keep_their_local_part() -> None:
    """Only its owner knows whether case matters there; the domain is normalized."""
    assert names.mailbox("Ops+mail@MÜLLER.example") == "Ops+mail@xn--mller-kva.example"


def test_below_means_by_whole_labels() -> None:
    """A name is not below itself, nor below what it only ends with."""
    assert names.is_below("a.b.example", "b.example")
    assert not names.is_below("b.example", "b.example")
    assert not names.is_below("ab.example", "b.example")
