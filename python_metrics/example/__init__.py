"""Raw trips: from a source into the warehouse, a day at a time, with nothing lost on the way."""
