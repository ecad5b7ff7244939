"""Commands of the example, one a file."""
