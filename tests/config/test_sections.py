"""A section of the config and the dataclass that constructs take: the same words, and the same defaults."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from constructs_lib import records, sections
from email_stack.config import sections as config
from email_stack.config.values import Settings


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (config.Tracking, sections.Tracking),
        (config.Retention, sections.Retention),
        (config.MtaSts, records.MtaSts),
        (config.Dmarc, records.Dmarc),
        (config.Portal, records.PortalAlias),
    ],
)
def test_section_has_one_set_of_words(section: type[Settings], kind: type[Any]) -> None:
    """Whoever adds a field to one adds it to the other, or the config could not be handed on."""
    assert list(section.model_fields) == [field.name for field in fields(kind)]


@pytest.mark.parametrize(
    ("section", "kind"),
    [(config.Tracking, sections.Tracking), (config.Retention, sections.Retention), (config.MtaSts, records.MtaSts)],
)
def test_defaults_are_the_same(section: type[Settings], kind: type[Any]) -> None:
    """With the config and without it."""
    defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    assert defaults
    assert defaults == {name: field.default for name, field in section.model_fields.items() if not field.is_required()}
