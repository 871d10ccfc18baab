"""messages: shows a tenant's mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from email_stack.cli.account import opened
from email_stack.cli.listing import After, Limit, print_next, store_failures
from email_stack.cli.message_view import at_depth, shown_addresses, shown_time, whole
from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath, TenantId
from email_stack.cli.output import CommandError, ExitCode, console, print_json
from email_stack.operations.mailbox import reader_of
from email_stack.output.printable import counted, escaped
from mailroom.threads import thread_messages

if TYPE_CHECKING:
    from mailroom.store import MessageReader, Page, StoredMessage, Summary, ThreadSummary
    from mailroom.tracking import SendingEvent

__all__ = ["register"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

OfThread = Annotated[str | None, typer.Option("--thread", metavar="NAME", help="Show the messages of this thread.")]
OneMessage = Annotated[
    str | None, typer.Option("--message", metavar="NAME", help="Show this message; also by its Message-ID.")
]
OfAddress = Annotated[str | None, typer.Option("--address", help="List the messages from or to this address.")]
OfSent = Annotated[
    str | None,
    typer.Option("--sent", metavar="ID", help="List the events of the sent message with this SES id."),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(messages)


def messages(
    tenant: TenantId,
    *,
    thread: OfThread = None,
    message: OneMessage = None,
    address: OfAddress = None,
    sent: OfSent = None,
    limit: Limit = 20,
    after: After = "",
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show a tenant's mail: its threads, latest first; the messages of one; one message; or the events of a sent one."""
    if sum(one is not None for one in (thread, message, address, sent)) > 1:
        raise typer.BadParameter("one of --thread, --message, --address and --sent at most")
    of, cell = opened(config, tenant)
    with store_failures():
        reader = reader_of(of, cell)
        if message is not None:
            _show_messages(_named(reader, tenant, message), as_json=as_json)
        elif thread is not None:
            page = reader.thread(thread, limit=limit, after=after)
            _show_thread(page, tenant, thread, as_json=as_json, recalled=_recalled(reader, page))
        elif sent is not None:
            _show_list(reader.sending_events(sent, limit=limit, after=after), _event_document, _print_event, as_json)
        elif address is not None:
            found = reader.by_address(address, limit=limit, after=after)
            recalled = _recalled(reader, found)
            _show_list(
                found, lambda one: _summary_document(one, recalled), lambda one: _print_summary(one, recalled), as_json
            )
        else:
            _show_list(reader.threads(limit=limit, after=after), _thread_document, _print_thread, as_json)


def _recalled(reader: MessageReader, page: Page[Summary]) -> frozenset[str]:
    """Digests of those that were recalled."""
    return reader.recalled(one.digest for one in page.items)


def _named(reader: MessageReader, tenant: str, name: str) -> list[StoredMessage]:
    digests = (
        (name,) if _DIGEST.fullmatch(name) else reader.by_message_id(name.strip().removeprefix("<").removesuffix(">"))
    )
    found = [stored for digest in digests if (stored := reader.message(digest)) is not None]
    if not found:
        raise CommandError(
            "no such message",
            f'tenant "{tenant}": has no message {escaped(name)}; `email-stack messages {tenant} --thread NAME` lists names',
            ExitCode.INVALID,
        )
    return found


def _show_messages(found: list[StoredMessage], *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "messages": [_message_document(stored) for stored in found]})
        return
    for number, stored in enumerate(found):
        if number:
            console.rule()
        console.print(f"message {stored.summary.digest}\nthread  {stored.thread}", markup=False, soft_wrap=True)
        for line in whole(stored.content):
            console.print(line, soft_wrap=True)
        risks = dict.fromkeys(risk for one in stored.deliveries for risk in one.risks)
        if risks:
            console.print(Text(f"  risks: {escaped(', '.join(risks))}"), soft_wrap=True)
        domain = stored.content.sender_authenticated
        if domain:
            console.print(Text(f"  sender authenticated: {escaped(domain)}"), soft_wrap=True)
        if stored.recalled is not None:
            said = f"{stored.recalled.content}, because of {stored.recalled.signature}"
            console.print(Text(f"  recalled: {escaped(said)}"), soft_wrap=True)
        for event in stored.sending_events:
            _print_event(event)


def _show_thread(
    page: Page[Summary], tenant: str, thread: str, *, as_json: bool, recalled: frozenset[str] = frozenset()
) -> None:
    if not page.items and not page.next:
        raise CommandError(
            "no such thread",
            f'tenant "{tenant}": has no thread {escaped(thread)}; `email-stack messages {tenant}` lists names',
            ExitCode.INVALID,
        )
    summaries = {one.digest: one for one in page.items}
    positions = [place for tree in thread_messages(one.link for one in page.items) for place in tree.positions]
    if as_json:
        listed = [{**_summary_document(summaries[place.key], recalled), "depth": place.depth} for place in positions]
        print_json({"ok": True, "messages": listed, "next": page.next})
        return
    for place in positions:
        for line in _lines(summaries[place.key], recalled):
            console.print(at_depth(line, place.depth), soft_wrap=True)
    print_next(page)


def _show_list(
    page: Page[Any], document: Callable[[Any], dict[str, Any]], show: Callable[[Any], None], as_json: bool
) -> None:
    if as_json:
        print_json({"ok": True, "items": [document(one) for one in page.items], "next": page.next})
        return
    if not page.items and not page.next:
        console.print("none")
    for one in page.items:
        show(one)
    print_next(page)


def _print_thread(thread: ThreadSummary) -> None:
    count = counted(thread.messages, "message")
    who = ", ".join(escaped(one) for one in thread.participants)
    console.print(
        Text.assemble(
            (shown_time(thread.latest), "dim"), "  ", (escaped(thread.subject) or "(no subject)", "bold"), f"  {count}"
        ),
        Text(f"  {who}\n  thread {thread.thread}", "dim"),
        sep="\n",
        soft_wrap=True,
    )


def _print_summary(summary: Summary, recalled: frozenset[str]) -> None:
    for line in _lines(summary, recalled):
        console.print(line, soft_wrap=True)


def _print_event(event: SendingEvent) -> None:
    program = "by a program" if event.bot else ""
    said = (
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.kind.value,
        escaped(event.subtype),
        escaped(event.link),
        program,
    )
    console.print("  ".join(filter(None, said)), markup=False, soft_wrap=True)


def _lines(summary: Summary, recalled: frozenset[str]) -> Iterator[Text]:
    kinds = ", ".join(sorted(summary.kinds))
    marks = [f"[{kinds}]"] if kinds else []
    if summary.attachments:
        marks.append(f"{summary.attachments} attachment{'s' if summary.attachments > 1 else ''}")
    if summary.digest in recalled:
        marks.append("recalled")
    yield Text.assemble(
        (shown_time(summary.at), "dim"),
        "  ",
        (shown_addresses(summary.from_) or "(no author)", "bold"),
        f"  {escaped(summary.subject) or '(no subject)'}",
        *(f"  {mark}" for mark in marks),
    )
    if summary.snippet:
        yield Text(f"  {escaped(summary.snippet)}")
    yield Text(f"  message {summary.digest}", "dim")


def _thread_document(thread: ThreadSummary) -> dict[str, Any]:
    return {
        "thread": thread.thread,
        "subject": thread.subject,
        "first": thread.first.isoformat(),
        "latest": thread.latest.isoformat(),
        "messages": thread.messages,
        "participants": list(thread.participants),
    }


def _summary_document(summary: Summary, recalled: frozenset[str]) -> dict[str, Any]:
    return {
        "message": summary.digest,
        "at": summary.at.isoformat(),
        "received": summary.received.isoformat(),
        "message_id": summary.message_id,
        "from": [{"name": one.name, "address": one.address} for one in summary.from_],
        "subject": summary.subject,
        "snippet": summary.snippet,
        "kinds": sorted(kind.value for kind in summary.kinds),
        "attachments": summary.attachments,
        "octets": summary.size,
        "recalled": summary.digest in recalled,
    }


def _event_document(event: SendingEvent) -> dict[str, Any]:
    return {
        "event": event.kind.value,
        "at": event.at.isoformat(),
        "link": event.link,
        "bot": event.bot,
        "subtype": event.subtype,
    }


def _message_document(stored: StoredMessage) -> dict[str, Any]:
    return {
        **stored.content.document,
        "thread": stored.thread,
        "recalled": None
        if stored.recalled is None
        else {"content": stored.recalled.content, "signature": stored.recalled.signature},
        "deliveries": [
            {
                "ses_id": one.ses_id,
                "source": one.source,
                "received": one.received.isoformat(),
                "sender": one.sender,
                "recipients": list(one.recipients),
                "verdicts": one.verdicts,
                "risks": list(one.risks),
                "sender_authenticated": one.sender_authenticated,
            }
            for one in stored.deliveries
        ],
        "engagements": [_event_document(event) for event in stored.sending_events],
    }
