"""The steps of the installation, and what they say."""
