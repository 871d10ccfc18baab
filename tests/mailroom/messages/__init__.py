"""Reading mail: a corpus, properties, and what is hostile."""
