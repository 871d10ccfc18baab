"""Makes entities of delivered mail: the Lambda between `clean/` and the store."""
