"""Alerts to the operators."""

from constructs_lib.alerts.security_alerts import SecurityAlerts, alarms_use_key
from constructs_lib.alerts.sending_pauses import SendingPauses

__all__ = ["SecurityAlerts", "SendingPauses", "alarms_use_key"]
