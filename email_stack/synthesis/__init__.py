"""Runs the CDK: config in, cloud assembly out."""
