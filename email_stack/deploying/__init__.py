"""From what is wanted of a domain to infrastructure: a template without rights, a judge, and a change set."""
