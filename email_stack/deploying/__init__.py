"""Deployment of a domain's wanted settings: synthesis without credentials, a judge of the template, and a change set."""
