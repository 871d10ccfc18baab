"""DNS setup instructions for a customer's IT department: the records in its tools' form, and a letter that explains them."""
