"""Container formats: recognised by content, and opened in a separate process; an unopened container is never clean."""
