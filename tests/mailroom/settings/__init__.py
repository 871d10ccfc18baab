"""What an organisation sets itself."""
