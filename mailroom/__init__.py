"""What runs inside Lambda. Imports no CDK."""
