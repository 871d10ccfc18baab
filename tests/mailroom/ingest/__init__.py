"""The structuring function: what it makes of what comes, and of what fails."""
