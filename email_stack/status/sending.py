"""Checks of SES's permission to send, for an account and a tenant, with remedies."""

from __future__ import annotations

from typing import Final

from email_stack.config import Cell, Tenant
from email_stack.operations.aws import AwsError
from email_stack.status.model import Check, Rates, State
from email_stack.status.reads import AccountSending, CellReader

__all__ = ["of_account", "of_tenant", "reputation", "shown_rate", "why_not_sent"]

_STATUS: Final = "SES console, Account dashboard"

_CODES: Final = {
    "AccessDenied": "the tenant's function may not send from this address; deploy the tenant again",
    "AccessDeniedException": "the tenant's function may not send from this address, or the SES tenant lacks the identity; "
    "deploy the tenant again",
    "AccountSuspendedException": f"SES stopped the account's sending permanently; see {_STATUS}",
    "BadRequestException": "SES does not take the message as it is; compare its addresses and its size with SES's quotas",
    "MailFromDomainNotVerifiedException": "the MAIL FROM domain is not verified; see `email-stack dns-check`",
    "MessageRejected": "SES takes no message from this sender to this recipient; see with `email-stack dns-check` whether the "
    "identity is verified",
    "NotFoundException": "identity, configuration set or SES tenant is missing; deploy the tenant again",
    "SendingPausedException": "sending is paused for the configuration set or the account; see whether the tenant is live: true",
    "deadline": "the scan ended too late; see with `email-stack status` whether mail waits for the scanner",
    "gone": "it was deleted from the tenant's bucket before it was sent",
    "quota": "the account's sending rate or daily quota at SES is used up",
    "scan": "the scanner found something in it; nothing of it is sent",
    "sender": "the message must have one sender",
    "unreachable": "SES cannot be reached from the tenant's function; see the AWS Health Dashboard",
}
"""Meanings of SES's codes and of the outbox's own words, if account and tenant may send."""

_BOUNCES: Final = (0.05, 0.10)
_COMPLAINTS: Final = (0.001, 0.005)
"""Rates at which SES reviews a sender, and pauses it.

Source: SES developer guide, "Amazon SES sending review process FAQs", of bounces and of complaints.
"""

_STOP_BOUNCES: Final = (
    "have it write only to addresses that work, and drop the addresses that `email-stack suppressions {tenant}` lists"
)
_STOP_COMPLAINTS: Final = "have it send only to recipients who asked for it, and let them unsubscribe at once"

_OF_WHO_SENDS: Final = frozenset({"AccountSuspendedException", "MessageRejected", "SendingPausedException", "quota"})
"""Codes that the state of account or tenant can explain."""


def of_account(region: str, found: AccountSending) -> Check:
    """Whether the account may send to all addresses, and has a rest of its quota."""
    if found.enforcement == "SHUTDOWN":
        return _wrong("shut down", f"SES shut down the account's sending in {region}: nothing is sent; see {_STATUS}")
    if not found.enabled:
        return _wrong(
            "paused",
            f"the account's sending is paused in {region}: nothing is sent; once its cause is mended, run "
            f"`aws sesv2 put-account-sending-attributes --sending-enabled --region {region}`",
        )
    if not found.production:
        return _wrong(
            "sandbox",
            f"SES keeps the account in its sandbox in {region}: it sends to verified addresses alone, at most {found.most:,} "
            f"messages within 24 h; ask for production access ({_STATUS}), or verify a recipient with `aws sesv2 "
            f"create-email-identity --email-identity ADDRESS --region {region}`",
        )
    if 0 <= found.most <= found.sent:
        return _wrong(
            "quota used up",
            f"the account sent all {found.most:,} messages that SES takes within 24 h in {region}; ask for more in Service Quotas "
            '("Sending quota"), or wait',
        )
    if found.enforcement == "PROBATION":
        return _wrong(
            "under review",
            f"SES reviews the account in {region}, and stops its sending unless its cause is mended; see {_STATUS}",
        )
    return Check(state=State.OK, said=f"{found.sent:,} of {found.most:,}" if found.most >= 0 else f"{found.sent:,}")


def of_tenant(tenant: Tenant, status: str | None, account: Check) -> Check:
    """Whether a tenant may send.

    Args:
        tenant: the tenant.
        status: SES's word for its sending; None if the SES tenant does not exist.
        account: the check of the account.
    """
    if status is None:
        return Check(
            state=State.ABSENT, reason=f"there is no such SES tenant; run `email-stack deploy {tenant.id} --yes`"
        )
    if status == "DISABLED":
        return _wrong(
            "paused",
            "SES paused the tenant's sending: nothing of it is sent; see SES console, Tenants, mend the cause, such as bounces or "
            "complaints, and reinstate it there",
        )
    if not tenant.live:
        return Check(state=State.OK, said="off")
    if account.state is not State.OK:
        return account
    return Check(state=State.OK, said="" if status == "ENABLED" else status.lower())


def reputation(tenant: Tenant, rates: Rates) -> Check:
    """Whether the tenant's rates of bounces and complaints are below SES's limits."""
    if rates.bounces is None and rates.complaints is None:
        return Check(state=State.OK, said="-")
    said = f"{shown_rate(rates.bounces)}, {shown_rate(rates.complaints)}"
    found = [
        one
        for one in (
            _judged("bounces", rates.bounces, _BOUNCES, _STOP_BOUNCES.format(tenant=tenant.id)),
            _judged("complaints", rates.complaints, _COMPLAINTS, _STOP_COMPLAINTS),
        )
        if one
    ]
    return _wrong(said, "; ".join(found)) if found else Check(state=State.OK, said=said)


def shown_rate(rate: float | None) -> str:
    """A fraction in percent; "-" for None."""
    return "-" if rate is None else f"{100 * rate:.3g} %"


def _judged(what: str, rate: float | None, limits: tuple[float, float], remedy: str) -> str:
    review, pause = limits
    if rate is None or rate < review:
        return ""
    at = pause if rate >= pause else review
    does = "pauses a sender" if rate >= pause else "puts a sender under review"
    return (
        f"{shown_rate(rate)} of the tenant's mail is answered with {what}, and SES {does} from {shown_rate(at)} on, "
        f"the whole account, too: {remedy}"
    )


def why_not_sent(tenant: Tenant, cell: Cell, code: str) -> str:
    """Meaning of a refusal or a wait, and the remedy; "" if unknown.

    If account or tenant may be the cause, their state is read, and replaces the meaning of the code.
    """
    if code in _CODES and code not in _OF_WHO_SENDS:
        return _CODES[code]
    try:
        reader = CellReader.of(cell)
        account = of_account(cell.region, reader.account_sending())
        found = of_tenant(tenant, reader.tenant_sending(tenant.id), account)
    except AwsError:
        return _CODES.get(code, "")  # the advice on a message must not fail
    return _CODES.get(code, "") if found.state is State.OK else found.reason


def _wrong(said: str, reason: str) -> Check:
    return Check(state=State.WRONG, said=said, reason=reason)
