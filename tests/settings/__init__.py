"""The e-mail settings API."""
