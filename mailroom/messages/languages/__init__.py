"""Words of mail programs around answered and forwarded messages: one table of languages. Data only.

Source: messages of Outlook, Gmail, Apple Mail, Thunderbird, Yahoo and Notes in these languages.
"""

from __future__ import annotations

from typing import Final

from mailroom.messages.languages.eastern import EASTERN
from mailroom.messages.languages.model import Language
from mailroom.messages.languages.western import WESTERN

__all__ = ["LANGUAGES", "Language"]

LANGUAGES: Final = (*WESTERN, *EASTERN)
"""English, the languages of the European Union, Norwegian, Turkish, Russian, Korean, Chinese and Japanese."""
