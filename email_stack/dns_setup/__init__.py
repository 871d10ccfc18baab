"""What a customer's IT department gets: the records in the form its tools read, and a letter that explains them."""
