"""Finds, shows and drops whole months that are older than a team keeps them."""
