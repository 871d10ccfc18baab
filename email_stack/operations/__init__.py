"""Asks AWS about what is deployed, acts on it, and runs the pipeline here."""
