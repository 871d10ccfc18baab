"""Receipt rules, the inbox they fill, and the rule set that is active."""

from constructs_lib.receiving.active_receipt_rule_set import ActiveReceiptRuleSet
from constructs_lib.receiving.tenant_inbox import TenantInbox, TenantInboxProps

__all__ = ["ActiveReceiptRuleSet", "TenantInbox", "TenantInboxProps"]
