"""What the templates allow, by IAM's own rules."""
