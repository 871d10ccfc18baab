"""The SES identity of a subdomain, and rights to send with it."""

from constructs_lib.sending.sending_identity import SendingIdentity

__all__ = ["SendingIdentity"]
