"""Checks a subdomain's records in DNS and SES, and names the remedy for each fault."""
