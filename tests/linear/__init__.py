"""Whether time is linear in the size of what is read: of every pattern, and of whole mails, by a clock."""
