"""Permissions of the templates, by IAM's own rules."""
