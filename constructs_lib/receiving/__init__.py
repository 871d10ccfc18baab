"""The inbox, its receipt rules, and the active receipt rule set."""

from constructs_lib.receiving.active_receipt_rule_set import ActiveReceiptRuleSet
from constructs_lib.receiving.tenant_inbox import TenantInbox, TenantInboxProps

__all__ = ["ActiveReceiptRuleSet", "TenantInbox", "TenantInboxProps"]
