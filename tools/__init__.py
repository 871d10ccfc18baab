"""What the Makefile runs besides the project's own tools; of the standard library alone, since nothing else is there yet."""
