"""Costs of the platform, computed from its templates and AWS's list prices."""
