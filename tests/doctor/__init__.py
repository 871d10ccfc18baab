"""What doctor asks, and what it makes of the answers."""
