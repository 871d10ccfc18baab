"""The platform: tenants config, stacks and the operator's command line."""
