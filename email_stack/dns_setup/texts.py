"""The texts of each language."""

from __future__ import annotations

from typing import Final

from email_stack.dns_setup.model import Language
from email_stack.dns_setup.texts_de import GERMAN
from email_stack.dns_setup.texts_en import ENGLISH
from email_stack.dns_setup.wording import Texts

__all__ = ["TEXTS"]

TEXTS: Final[dict[Language, Texts]] = {"en": ENGLISH, "de": GERMAN}
