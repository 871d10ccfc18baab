"""What is printed and written: text for terminals, HTML pages, files."""
