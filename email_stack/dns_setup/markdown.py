"""The records as Markdown, for a ticket or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable

from constructs_lib.records import DnsRecord
from email_stack.dns_setup.model import DnsSetup, Language, one_line, relative, step_values, unicode_name
from email_stack.dns_setup.remedies import Said, notices, remark, remedy
from email_stack.dns_setup.texts import TEXTS
from email_stack.dns_setup.wording import Texts
from email_stack.dnscheck.model import Finding

__all__ = ["markdown"]


def markdown(dns_setup: DnsSetup, language: Language) -> str:
    """Headings, the steps, and a table of the records (GitHub Flavored Markdown) with their state if there is a report."""
    texts = TEXTS[language]
    fill = {key: _code(value) if isinstance(value, str) else value for key, value in step_values(dns_setup).items()}
    intro = "delegated_intro" if dns_setup.delegated else "self_managed_intro"
    steps = texts.steps_delegated if dns_setup.delegated else texts.steps_self_managed
    parts = [
        f"# {texts.ui['title'].format(subdomain=_code(dns_setup.subdomain))}",
        texts.ui[intro].format(**fill),
        "\n".join(_facts(dns_setup, texts)),
        f"## {texts.ui['steps_heading']}",
        "\n".join(f"{number}. {step.format(**fill)}" for number, step in enumerate(steps, start=1)),
        f"## {texts.ui['records_heading']}",
        _table(dns_setup, dns_setup.required, texts),
    ]
    if dns_setup.optional:
        parts += [f"## {texts.ui['optional_heading']}", texts.ui["optional_intro"]]
        parts.append(_table(dns_setup, dns_setup.optional, texts))
    if dns_setup.outside:
        parts += [f"## {texts.ui['outside_heading']}", texts.ui["outside_intro"].format(**fill)]
    for owner, records in dns_setup.outside.items():
        parts += [f"### {texts.ui['in_zone_of'].format(zone=_code(owner))}", _table(dns_setup, records, texts)]
    to_do = _to_do(dns_setup, texts)
    if to_do:
        parts += [f"## {texts.ui['action']}", to_do]
    return "\n\n".join(parts) + "\n"


def _facts(dns_setup: DnsSetup, texts: Texts) -> Iterable[str]:
    yield f"- {texts.ui['tenant']}: {_code(one_line(dns_setup.tenant))}"
    yield f"- {texts.ui['subdomain']}: {_name(dns_setup.subdomain)}"
    yield f"- {texts.ui['zone']}: {_name(dns_setup.zone)}"
    if dns_setup.report is None:
        yield f"- {texts.ui['state']}: {texts.ui['not_checked']}"
        return
    yield f"- {texts.ui['state']}: {texts.overall[dns_setup.report.status]}"
    if dns_setup.checked_at_text:
        yield f"- {texts.ui['checked_at']}: {dns_setup.checked_at_text}"
    if dns_setup.report.ses is not None:
        ses = dns_setup.report.ses
        for part, word in (("identity", ses.identity), ("dkim", ses.dkim), ("mail_from", ses.mail_from)):
            yield f"- Amazon SES, {texts.ui[part]}: {texts.ses_words.get(word) or _code(one_line(word))}"


def _table(dns_setup: DnsSetup, records: Iterable[DnsRecord], texts: Texts) -> str:
    ui = texts.ui
    heads = [ui["purpose"], ui["name"], ui["full_name"], ui["type"], ui["ttl"], ui["value"]]
    if dns_setup.report is not None:
        heads.append(ui["state"])
    rows = [heads, ["---"] * len(heads)]
    for record in records:
        finding = dns_setup.finding(record)
        zone = dns_setup.zone_of(record)
        row = [
            texts.purposes[record.purpose],
            _code(relative(record.name, zone)),
            _name(record.name),
            record.type,
            str(record.ttl_seconds),
            "<br>".join(_cell(value) for value in record.values),
        ]
        if dns_setup.report is not None:
            row.append(texts.status_words[finding.status] if finding is not None else ui["not_checked"])
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _to_do(dns_setup: DnsSetup, texts: Texts) -> str:
    findings = [(record, dns_setup.finding(record)) for record in dns_setup.records]
    lines = [_filled(said, texts) for said in (notices(dns_setup.report) if dns_setup.report is not None else [])]
    lines += [
        f"{_code(record.name)} {record.type}: {said}"
        for record, finding in findings
        if finding is not None and (said := _said(finding, texts))
    ]
    return "\n".join(f"- {line}" for line in lines)


def _said(finding: Finding, texts: Texts) -> str:
    kept = remark(finding)
    said = [_filled(remedy(finding), texts), _filled((lambda words: words.ui["kept"], kept), texts) if kept else ""]
    return " ".join(filter(None, said))


def _filled(said: Said, texts: Texts) -> str:
    pick, values = said
    return pick(texts).format(**{key: _code(one_line(value)) for key, value in values.items()})


def _name(name: str) -> str:
    return _code(name) if unicode_name(name) == name else f"{_code(name)} ({_code(unicode_name(name))})"


def _cell(text: str) -> str:
    # GFM 4.10: a table's cell ends at a `|` without a backslash, even inside code.
    return _code(text or '""').replace("|", "\\|")


def _code(text: str) -> str:
    # CommonMark 6.1: a fence is longer than any run inside, and one space at both ends of the text is taken away.
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.strip() and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
