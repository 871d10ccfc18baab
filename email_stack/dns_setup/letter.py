"""The letter: one HTML page for a customer's IT department with the records, their place and their state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from jinja2 import Template
from markupsafe import Markup

from constructs_lib.records import DnsRecord
from email_stack.dns_setup.model import DnsSetup, Language, mx_parts, relative, step_values, unicode_name
from email_stack.dns_setup.remedies import notices, remark, remedy
from email_stack.dns_setup.texts import TEXTS
from email_stack.dns_setup.wording import Texts
from email_stack.dns_setup.zone_files import bind
from email_stack.dnscheck.model import Finding, Observation, Status
from email_stack.output.pages import content_digest, environment, page_text, style_of

__all__ = ["TONES", "render_letter"]

Tone = Literal["ok", "wait", "todo", "bad"]

TONES: Final[dict[Status, Tone]] = {
    **dict.fromkeys(Status, "bad"),
    Status.OK: "ok",
    Status.PENDING: "wait",
    Status.MISSING: "todo",
    Status.DELEGATION_MISSING: "todo",
}
"""Colour and icon of each verdict; a missing record is work to do, not a mistake."""

_LONG_TXT: Final = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class _Card:
    """One record. `zone` is the record's zone if it is below the customer's; "" otherwise."""

    number: int
    record: DnsRecord
    zone: str
    host: str
    values: tuple[str, ...]
    priority: int | None
    finding: Finding | None
    seen: tuple[tuple[Markup, Observation], ...]

    @property
    def long(self) -> bool:
        return self.record.type == "TXT" and any(len(value) > _LONG_TXT for value in self.record.values)


def render_letter(dns_setup: DnsSetup, language: Language) -> str:
    """One HTML page that needs no network, in both languages; `language` is shown first.

    Its Content-Security-Policy allows nothing but its own style and script, by their digests.
    """
    style, script = style_of(__package__, "letter.css"), page_text(__package__, "letter.js")
    cards = [_card(dns_setup, record, number) for number, record in enumerate(_in_order(dns_setup), start=1)]
    required = [card for card in cards if card.record in dns_setup.required]
    done = sum(card.finding is not None and card.finding.status is Status.OK for card in required)
    return _template().render(
        dns_setup=dns_setup,
        language=language,
        csp=f"default-src 'none'; style-src '{content_digest(style)}'; script-src '{content_digest(script)}'; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),  # noqa: S704 - our own file, with nothing put in
        script=Markup(script),  # noqa: S704 - as above
        fill=step_values(dns_setup),
        required=required,
        optional=[card for card in cards if card.record in dns_setup.optional],
        outside={owner: [card for card in cards if card.record in group] for owner, group in dns_setup.outside.items()},
        done=done,
        zone_file=bind(dns_setup),
        notices=[_both(pick, **values) for pick, values in notices(dns_setup.report)] if dns_setup.report else [],
    )


def _in_order(dns_setup: DnsSetup) -> tuple[DnsRecord, ...]:
    outside = (record for group in dns_setup.outside.values() for record in group)
    return (*dns_setup.required, *dns_setup.optional, *outside)


def _card(dns_setup: DnsSetup, record: DnsRecord, number: int) -> _Card:
    finding = dns_setup.finding(record)
    zone = dns_setup.zone_of(record)
    mx = record.type == "MX" and len(record.values) == 1
    host_name = record.type in {"CNAME", "NS"} or mx
    values = (mx_parts(record.values[0])[1],) if mx else record.values
    return _Card(
        number=number,
        record=record,
        zone=zone if zone in dns_setup.cuts else "",
        host=relative(record.name, zone),
        values=tuple(value.rstrip(".") for value in values) if host_name else values,
        priority=mx_parts(record.values[0])[0] if mx else None,
        finding=finding,
        seen=_seen(finding) if finding is not None else (),
    )


def _seen(finding: Finding) -> tuple[tuple[Markup, Observation], ...]:
    """Servers grouped by their answers, in the order of the first of each."""
    groups: dict[tuple[tuple[str, ...], str], list[Observation]] = {}
    for observation in finding.seen:
        groups.setdefault((tuple(sorted(observation.values)), observation.problem), []).append(observation)
    return tuple((Markup(", ").join(_server(one) for one in group), group[0]) for group in groups.values())


def _server(observation: Observation) -> Markup:
    name = _ui("resolver") if observation.server == "resolver" else Markup.escape(observation.server)
    return Markup("{} ({})").format(name, observation.address) if observation.address else name


def _as_expected(record: DnsRecord, observation: Observation) -> bool:
    def plain(values: tuple[str, ...]) -> set[str]:
        return set(values) if record.type == "TXT" else {value.rstrip(".").lower() for value in values}

    return not observation.problem and plain(observation.values) == plain(record.values)


def _both(pick: Callable[[Texts], str], **values: object) -> Markup:
    """One text in both languages, each in an element with its language; inserted words are shown as code."""
    marked = {
        key: Markup("<code>{}</code>").format(value) if isinstance(value, str) else value
        for key, value in values.items()
    }
    return Markup("").join(
        Markup('<span class="l" lang="{}">{}</span>').format(language, Markup.escape(pick(texts)).format(**marked))
        for language, texts in TEXTS.items()
    )


def _ses_word(word: str) -> Markup:
    known = word in TEXTS["en"].ses_words
    return _both(lambda texts: texts.ses_words[word]) if known else Markup("<code>{}</code>").format(word)


def _plain_text(name: str, language: Language, **values: object) -> str:
    return TEXTS[language].ui[name].format(**values)


def _ui(name: str, **values: object) -> Markup:
    return _both(lambda texts: texts.ui[name], **values)


def _field_of(name: str, card: _Card) -> Markup:
    """Label of a copy button for screen readers: the field, and the record by number, purpose and type."""
    return _both(
        lambda texts: (
            f"{texts.ui[name]}, {texts.ui['record']}: {texts.purposes[card.record.purpose]}, {card.record.type}"
        ),
        number=card.number,
    )


def _fix(finding: Finding) -> Markup:
    pick, values = remedy(finding)
    return _both(pick, **values) if pick(TEXTS["en"]) else Markup("")


def _kept(finding: Finding) -> Markup:
    values = remark(finding)
    return _ui("kept", **values) if values else Markup("")


def _steps(dns_setup: DnsSetup, fill: dict[str, str | int]) -> list[Markup]:
    def pick(number: int) -> Callable[[Texts], str]:
        return lambda texts: (texts.steps_delegated if dns_setup.delegated else texts.steps_self_managed)[number]

    steps = TEXTS["en"].steps_delegated if dns_setup.delegated else TEXTS["en"].steps_self_managed
    return [_both(pick(number), **fill) for number in range(len(steps))]


@cache
def _template() -> Template:
    own = environment()
    helpers: dict[str, Any] = {
        "as_expected": _as_expected,
        "field_of": _field_of,
        "fix": _fix,
        "kept": _kept,
        "overall": lambda status: _both(lambda texts: texts.overall[status]),
        "plain": _plain_text,
        "purpose": lambda purpose: _both(lambda texts: texts.purposes[purpose]),
        "sentence": lambda purpose: _both(lambda texts: texts.purpose_sentences[purpose]),
        "ses_word": _ses_word,
        "status_word": lambda status: _both(lambda texts: texts.status_words[status]),
        "steps": _steps,
        "tones": TONES,
        "ui": _ui,
        "unicode_name": unicode_name,
    }
    own.globals.update(helpers)
    return own.from_string(page_text(__package__, "letter.html.jinja"))
