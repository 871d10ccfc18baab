"""Settings of organisations."""
