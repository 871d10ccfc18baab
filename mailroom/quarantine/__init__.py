"""Held mail in a tenant's quarantine, for applications: `HeldMail`."""

from mailroom.findings import Finding
from mailroom.held_mail import HeldMessage
from mailroom.quarantine.held_mail import HeldMail

__all__ = ["Finding", "HeldMail", "HeldMessage"]
