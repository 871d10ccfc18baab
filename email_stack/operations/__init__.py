"""Reads deployed resources from AWS, acts on them, and runs the pipeline locally."""
