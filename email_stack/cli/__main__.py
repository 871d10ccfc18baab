"""`python -m email_stack.cli`, for where the script is not on PATH."""

from email_stack.cli.main import main

main()
