"""`python -m email_stack.cli`, if the script is not on PATH."""

from email_stack.cli.main import main

main()
