"""Lambda entries: each takes an event, calls the core, and returns the answer. Only they read the environment."""
