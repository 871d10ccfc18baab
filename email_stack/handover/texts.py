"""What is said to people, in each language."""

from __future__ import annotations

from typing import Final

from email_stack.handover.model import Language
from email_stack.handover.texts_de import GERMAN
from email_stack.handover.texts_en import ENGLISH
from email_stack.handover.wording import Texts

__all__ = ["TEXTS"]

TEXTS: Final[dict[Language, Texts]] = {"en": ENGLISH, "de": GERMAN}
