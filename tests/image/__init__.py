"""The scanner's image: linted, built, and run as Lambda runs it."""
