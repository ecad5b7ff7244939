"""What came into the inference tables: which days are new, and which changed once measured."""
