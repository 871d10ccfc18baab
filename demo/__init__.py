"""`make demo`: the example tenants on the AWS emulator, deployed as a user deploys them. Not shipped."""
