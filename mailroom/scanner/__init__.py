"""The scanner's work on one object of a quarantine; the Lambda handler is its thin edge."""
