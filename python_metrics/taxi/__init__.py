"""The taxi example's own part: trips into the warehouse, and the models that score them."""
