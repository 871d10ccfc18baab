"""Asks DNS and SES whether a subdomain's records are as they should be, and says what to do where they are not."""
