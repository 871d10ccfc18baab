"""State of the deployed tenants: read, judged, and shown."""
