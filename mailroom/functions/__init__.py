"""Entries of Lambda: an event in, a call of the core, its answer out. Only they read the environment."""
