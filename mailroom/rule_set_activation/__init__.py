"""Activates a receipt rule set, and never takes the place of somebody else's."""
