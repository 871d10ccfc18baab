"""The store on an emulated DynamoDB and S3: whatever order, whoever else writes, wherever it breaks off."""
