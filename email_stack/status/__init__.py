"""Whether everything of the deployed tenants works: read, judged, and shown."""
