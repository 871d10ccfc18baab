"""Every message of the corpus is read as its entry says."""

from __future__ import annotations

import json

import pytest
import yaml

from mailroom.messages import parse
from mailroom.messages.documents import message_from
from mailroom.messages.joining import node_of
from mailroom.threads import thread_messages
from tests.mailroom.messages.corpus import CASES, CORPUS, Case, difference


@pytest.mark.parametrize("case", CASES, ids=str)
def test_message_is_read_as_expected(case: Case) -> None:
    """What the entry names of the document is what the parser returns."""
    found = difference(case.expected, parse(case.raw).document)
    assert not found, f"{case.what}\n{found}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_document_and_message_are_the_same(case: Case) -> None:
    """A message made of its document, by way of JSON, has the same document."""
    message = parse(case.raw)
    document = message.document
    assert message_from(json.loads(json.dumps(document))) == message
    assert message.reply + message.quoted == message.text


def test_conversations_of_the_corpus() -> None:
    """Messages are in one thread by identifiers alone, in any order; `threads.yaml` says which."""
    folder = CORPUS / "threads"
    expected = [sorted(thread) for thread in yaml.safe_load((folder / "threads.yaml").read_text("utf-8"))]
    files = sorted(folder.glob("*.eml"))
    for ordered in (files, files[::-1]):
        links = [node_of(parse(file.read_bytes()), file.name) for file in ordered]
        found = [sorted(place.key for place in thread.positions) for thread in thread_messages(links)]
        assert sorted(found) == sorted(expected)


def test_corpus_is_whole() -> None:
    """Each message has an entry, and each entry a message."""
    files = set(CORPUS.rglob("*.eml"))
    assert {case.file for case in CASES} == files
    assert len(files) >= 350
