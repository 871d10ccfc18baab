"""From what is wanted to infrastructure."""
