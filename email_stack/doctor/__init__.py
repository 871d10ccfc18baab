"""Checks that account and machine have what a deployment needs: questions, verdicts and remedies."""
