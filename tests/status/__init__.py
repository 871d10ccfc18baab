"""The state of deployed tenants."""
