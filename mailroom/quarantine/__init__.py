"""What waits in a tenant's quarantine, for applications: `HeldMail`."""

from mailroom.held_mail import Finding, HeldMessage
from mailroom.quarantine.held_mail import HeldMail

__all__ = ["Finding", "HeldMail", "HeldMessage"]
