"""The platform deployed with the real CDK CLI to the emulator, and read back through the AWS API."""
