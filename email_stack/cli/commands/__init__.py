"""The commands of `email-stack`, one a file that is named after it."""
