"""Whether the model is right: its error by day, and why that changed."""
