"""Compares two templates: the resources that a deletion removes, and the effects of an update on deployed resources. Pure."""

from email_stack.transitions.behaviours import CREATE_ONLY
from email_stack.transitions.copies import same_subdomain
from email_stack.transitions.halfway import Halfway, halfway
from email_stack.transitions.removals import Change, Removal, changes_of_removal, removal
from email_stack.transitions.resources import Template
from email_stack.transitions.risks import Risk, RiskKind, risks
from email_stack.transitions.updates import Fate, fates

__all__ = [
    "CREATE_ONLY",
    "Change",
    "Fate",
    "Halfway",
    "Removal",
    "Risk",
    "RiskKind",
    "Template",
    "changes_of_removal",
    "fates",
    "halfway",
    "removal",
    "risks",
    "same_subdomain",
]
