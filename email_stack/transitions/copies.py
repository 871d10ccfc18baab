"""Compares the subdomain of a stack that is deployed elsewhere with that of a new one."""

from __future__ import annotations

from email_stack.transitions.resources import Template

__all__ = ["same_subdomain"]


def same_subdomain(deployed: Template, wanted: Template) -> bool:
    """Whether both have an identity of the same domain: the second would be a copy that hides the first."""
    return bool(_domains(deployed) & _domains(wanted))


def _domains(template: Template) -> set[str]:
    return {
        str(one.get("Properties", {}).get("EmailIdentity", "")).lower()
        for one in template.get("Resources", {}).values()
        if one["Type"] == "AWS::SES::EmailIdentity"
    } - {""}
