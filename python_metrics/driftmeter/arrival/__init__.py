"""Which days of the inference tables are new, and which changed after they were measured."""
