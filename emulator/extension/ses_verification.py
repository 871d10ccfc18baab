"""Verification of identities by DNS, which ministack lacks.

A domain is verified if the emulated Route 53 has its DKIM records, and a MAIL FROM domain if it has that domain's MX and SPF. With
a wrong or missing record it is pending. A domain without a zone in the emulator has its DNS elsewhere, so it counts as verified at
once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.extension import upstream

V1, V2, ROUTE53 = "services.ses", "services.ses_v2", "services.route53"
HOSTED_ZONE = "dkim.amazonses.com"
Dns = dict[tuple[str, str], list[str]]


def install() -> None:
    """Check DNS before ministack decides whether an address may send."""
    upstream.replace(V1, "_identity_verified", _after_refresh)


def refresh() -> None:
    """Set the state of every domain identity by its present DNS records."""
    identities = upstream.attribute(V2, "_identities").values()
    domains = [record for record in identities if record["IdentityType"] == "DOMAIN"]
    dns = _dns() if domains else {}
    for record in domains:
        dkim, domain = record["DkimAttributes"], record["EmailIdentity"]
        seen = _is_served(domain)
        done = not seen or all(_published(dns, dkim, token, domain) for token in dkim["Tokens"])
        dkim["Status"] = "SUCCESS" if done else "PENDING"
        record["VerifiedForSendingStatus"] = done
        record["VerificationStatus"] = dkim["Status"]
        mail_from = record["MailFromAttributes"]
        if name := mail_from.get("MailFromDomain"):
            reached = not seen or _bounces_reach_ses(dns, name)
            mail_from["MailFromDomainStatus"] = "SUCCESS" if reached else "PENDING"
        if known := upstream.attribute(V1, "_identities").get(domain):  # what the v1 API says of the same identity
            known["VerificationStatus"] = known["DkimVerificationStatus"] = "Success" if done else "Pending"
            known |= {"DkimEnabled": dkim["SigningEnabled"], "DkimTokens": dkim["Tokens"]}


def _after_refresh(original: Callable[..., bool]) -> Callable[..., bool]:
    def verified(*args: Any, **kwargs: Any) -> bool:
        refresh()
        return original(*args, **kwargs)

    return verified


def _dns() -> Dns:
    return {
        (record["Name"].rstrip(".").lower(), record["Type"]): record.get("ResourceRecords", [])
        for records in upstream.attribute(ROUTE53, "_records").values()
        for record in records
    }


def _is_served(domain: str) -> bool:
    zones = upstream.attribute(ROUTE53, "_zones").values()
    return any(f".{domain.lower()}.".endswith(f".{zone['name'].lower()}") for zone in zones)


def _published(dns: Dns, dkim: dict[str, Any], token: str, domain: str) -> bool:
    name = f"{token}._domainkey.{domain}".lower()
    if dkim["SigningAttributesOrigin"] == "EXTERNAL":
        return bool(dns.get((name, "TXT")))
    return [value.rstrip(".") for value in dns.get((name, "CNAME"), [])] == [f"{token}.{HOSTED_ZONE}"]


def _bounces_reach_ses(dns: Dns, domain: str) -> bool:
    servers = [value.rstrip(".") for value in dns.get((domain.lower(), "MX"), [])]
    spf = any("include:amazonses.com" in value for value in dns.get((domain.lower(), "TXT"), []))
    return servers == [f"10 feedback-smtp.{upstream.region()}.amazonses.com"] and spf
