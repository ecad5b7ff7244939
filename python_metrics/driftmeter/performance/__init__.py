"""Performance: the error of a model on each day, and why it changed."""
