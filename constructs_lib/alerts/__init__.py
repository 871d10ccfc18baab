"""Alerts to the operators."""

from constructs_lib.alerts.security_alerts import SecurityAlerts, alarms_use_key

__all__ = ["SecurityAlerts", "alarms_use_key"]
