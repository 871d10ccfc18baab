"""Active content: attachments that run code when they are opened, found by content and by name. Pure."""
