"""What associations are made of."""
