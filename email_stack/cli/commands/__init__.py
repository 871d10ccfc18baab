"""The commands of `email-stack`, one per file, which has the command's name."""
