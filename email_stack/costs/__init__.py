"""What the platform costs, reckoned from its templates and AWS's list prices."""
