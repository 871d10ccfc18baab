"""SES identity of a subdomain and what is sent through it."""

from constructs_lib.sending.sending_identity import SendingIdentity

__all__ = ["SendingIdentity"]
