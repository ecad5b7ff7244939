"""The taxi example's own part: trips from a source into the warehouse, and models that score them."""
