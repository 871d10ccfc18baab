"""The replies that mail-parser-reply and talon find, in an environment of their own; texts on stdin, replies on stdout, as JSON.

Both are given what they want: mail-parser-reply the language, with English, and talon the text.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

from mailparser_reply import EmailReplyParser  # type: ignore[import-not-found]
from mailparser_reply.constants import MAIL_LANGUAGES  # type: ignore[import-not-found]
from talon import quotations  # type: ignore[import-not-found]

_NAMES = {"zh-Hans": "zh", "zh-Hant": "zh"}


def _by_mail_parser_reply(text: str, language: str) -> str:
    name = _NAMES.get(language, language)
    known = [name] if name in MAIL_LANGUAGES else []
    everything = sorted(MAIL_LANGUAGES) if language == "mail" else []
    return EmailReplyParser(languages=everything or [*known, "en"]).parse_reply(text) or ""


def main() -> None:
    """Read texts with their languages, and write what either finds."""
    asked = json.load(sys.stdin)
    found = {
        f"mail-parser-reply {version('mail-parser-reply')}": [
            _by_mail_parser_reply(text, code) for text, code in asked
        ],
        f"talon {version('talon')}": [quotations.extract_from_plain(text) for text, _ in asked],
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
