"""Output: text for terminals, HTML pages, files."""
