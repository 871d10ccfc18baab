"""Container formats: recognised by content, opened in a process of their own, or never called clean."""
