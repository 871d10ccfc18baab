"""Alerts to the operators."""

from constructs_lib.alerts.security_alerts import SecurityAlerts

__all__ = ["SecurityAlerts"]
