"""The CDK app. `-c tenant=ID` synthesizes that tenant and its cell; without it, everything."""

from email_stack.synthesis.app import main

if __name__ == "__main__":
    main()
